/// A few characters that stand for a long text in a name.
package enum ShortDigest {
  /// FNV-1a.
  package static func of(_ text: String) -> String {
    let digest = text.utf8.reduce(into: UInt64(0xcbf2_9ce4_8422_2325)) { hash, byte in
      hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
    }
    return String(digest, radix: 16)
  }
}
