/// A secret that a group's file names by its place, for `Authorization: Bearer`. It is read where it is sent, each time,
/// so that a new one counts at once; nothing keeps it.
enum BearerToken {
  /// The content of a file without the white space around it.
  ///
  /// - Throws: ``DeliveryFailure`` (`unreachable`) where there is no such file, or nothing in it that can be a token; its
  ///   content is never told.
  static func read(_ file: String) throws(DeliveryFailure) -> String {
    let bytes: [UInt8]?
    do { bytes = try Disk.read(file) } catch {
      throw DeliveryFailure(.unreachable, "the token file \(error); let this user read it")
    }
    guard let bytes else {
      throw DeliveryFailure(.unreachable, "there is no token file \(file) on this machine; put it there")
    }
    let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
    guard words.count == 1, words[0].utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
      throw DeliveryFailure(
        .unreachable, "the token file \(file) holds no token; it should hold one word and nothing else")
    }
    return String(words[0])
  }
}
