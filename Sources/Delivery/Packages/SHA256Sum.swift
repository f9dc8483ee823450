/// A file as `sha256sum` writes it: a digest, two characters, and the name of what it is of.
enum SHA256Sum {
  /// The digest of the file with this name, in lower-case hexadecimal; nil where the text has none, or names others only.
  /// A digest alone, or of standard input, is taken for that of the file.
  static func digest(of name: String, in text: String) -> String? {
    for line in text.split(whereSeparator: \.isNewline) {
      // One that begins with a backslash has a name in which characters are escaped: no name of ours.
      let digest = line.prefix { $0.isHexDigit }
      guard digest.utf8.count == 64 else { continue }
      let rest = line.dropFirst(64)
      let named = rest.dropFirst(rest.hasPrefix("  ") || rest.hasPrefix(" *") ? 2 : 0)
      let last = named.split(separator: "/").last ?? ""
      if rest.allSatisfy(\.isWhitespace) || (named != rest && (named == "-" || last == name)) {
        return digest.lowercased()
      }
    }
    return nil
  }
}
