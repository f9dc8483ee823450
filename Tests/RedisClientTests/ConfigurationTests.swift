import RedisClient
import Testing

@Suite("Configuration", .timeLimit(.minutes(1)))
struct ConfigurationTests {
  @Test("A URL with everything")
  func full() throws {
    let url = "rediss://wor%40ker:p%3Ass%2F@redis.example.com:6380/7"
    let options =
      "?name=drawbar&timeout=3&connect-timeout=2&ca=/etc/ca.pem&cert=/c.pem&key=/k.pem&server-name=r"
    let configuration = try RedisConfiguration(url: url + options)
    #expect(configuration.address == .tcp(host: "redis.example.com", port: 6380))
    #expect(configuration.username == "wor@ker")
    #expect(configuration.password == "p:ss/")
    #expect(configuration.database == 7)
    #expect(configuration.clientName == "drawbar")
    #expect(configuration.commandTimeout == .seconds(3))
    #expect(configuration.connectTimeout == .seconds(2))
    #expect(
      configuration.tls
        == .init(
          certificateAuthorities: "/etc/ca.pem", certificate: "/c.pem", privateKey: "/k.pem", serverName: "r")
    )
  }

  @Test(
    "Addresses",
    arguments: [
      ("redis://localhost", "redis://localhost:6379/0"),
      ("redis://localhost/", "redis://localhost:6379/0"),
      ("REDIS://h:1/15", "redis://h:1/15"),
      ("redis://[::1]:6380/2", "redis://[::1]:6380/2"),
      ("redis://[fe80::1]", "redis://[fe80::1]:6379/0"),
      ("redis://h?db=4", "redis://h:6379/4"),
      ("unix:///run/redis.sock", "unix:///run/redis.sock?db=0"),
      ("unix:///run/my%20redis.sock?db=2", "unix:///run/my redis.sock?db=2"),
      ("unix://u:p@/s", "unix://u@/s?db=0"),
      ("rediss://h", "rediss://h:6379/0"),
    ])
  func addresses(url: String, shown: String) throws {
    #expect(try RedisConfiguration(url: url).description == shown)
  }

  @Test(
    "What is wrong with a URL is said, and the password never",
    arguments: [
      ("", "redis://"), ("localhost:6379", "redis://"), ("http://h", "scheme"), ("redis://", "host"),
      ("redis://:s3cret@", "host"), ("redis://u@h", "password"), ("redis://:s3cret@h:0", "port"),
      ("redis://:s3cret@h:65536", "port"), ("redis://:s3cret@h:x", "port"), ("redis://h/x", "database"),
      ("redis://h/-1", "database"), ("redis://:s3cret%zz@h", "hexadecimal"),
      ("redis://:s3cret%@h", "hexadecimal"),
      ("redis://:s3cret#@h", "%23"), ("redis://:s3cret@h?db", "name=value"),
      ("redis://h?colour=red", "colour"),
      ("redis://h?ca=/x", "rediss"), ("redis://h?timeout=0", "timeout"), ("unix://", "path"),
      ("unix://host/path", "path"), ("redis://[::1", "port"), ("redis://h?name=a b", "name"),
      ("redis://%ff", "UTF-8"),
    ])
  func refused(url: String, hint: String) throws {
    let error = try #require(throws: RedisError.self) { try RedisConfiguration(url: url) }
    #expect(error.code == .invalid)
    #expect(error.message.contains(hint), "\(error.message)")
    #expect(!"\(error)".contains("s3cret"))
  }

  @Test("A password shows nowhere, however the configuration is printed")
  func hidden() throws {
    let configuration = try RedisConfiguration(url: "redis://user:s3cret@h/1")
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", String(reflecting: configuration), dumped] {
      #expect(!text.contains("s3cret"))
    }
    let command = RedisCommand("SET", "key", "s3cret")
    #expect(!"\(command)".contains("s3cret"))
  }
}
