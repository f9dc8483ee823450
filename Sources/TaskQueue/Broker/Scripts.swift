import RedisClient

/// The scripts, each with the shared parts that it uses put before it.
///
/// What a script does, takes and returns stands in the header of its file.
enum Scripts {
  static let submit = script("submit", with: lanes, PackageResources.create_lua, PackageResources.submit_lua)
  static let stage = script(
    "stage", with: lanes, PackageResources.settle_lua, PackageResources.create_lua, PackageResources.stage_lua
  )
  static let commit = script(
    "commit", with: lanes, PackageResources.settle_lua, PackageResources.create_lua,
    PackageResources.cancel_lua, PackageResources.limit_lua, PackageResources.seal_lua,
    PackageResources.commit_lua)
  static let halt = script(
    "halt", with: lanes, PackageResources.settle_lua, PackageResources.cancel_lua, PackageResources.halt_lua)

  static let hello = script("hello", with: PackageResources.common_lua, PackageResources.hello_lua)
  static let complete = script(
    "complete", with: lanes, PackageResources.settle_lua, PackageResources.grant_lua,
    PackageResources.complete_lua)
  static let beat = script(
    "beat", with: lanes, PackageResources.settle_lua, PackageResources.grant_lua,
    PackageResources.recover_lua, PackageResources.beat_lua)
  static let bye = script(
    "bye", with: lanes, PackageResources.settle_lua, PackageResources.recover_lua, PackageResources.bye_lua)
  static let reap = script(
    "reap", with: lanes, PackageResources.settle_lua, PackageResources.recover_lua, PackageResources.reap_lua)

  private static let lanes = PackageResources.common_lua + PackageResources.lanes_lua

  private static func script(_ name: String, with parts: [UInt8]...) -> RedisScript {
    RedisScript(name: name, source: String(decoding: parts.joined(), as: UTF8.self))
  }
}
