import FoundationEssentials

/// Files that commands name.
enum Files {
  static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    return FileManager.default.currentDirectoryPath + "/" + path
  }

  static func directory(of path: String) -> String {
    let path = absolute(path)
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }

  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  static func isDirectory(_ path: String) -> Bool {
    var isDirectory = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory
  }

  /// - Throws: ``Stop`` with a sentence where it can't be read or is no UTF-8 text.
  static func text(_ path: String) throws -> String {
    guard !isDirectory(path) else {
      throw Stop(.refused, "can't read \(path): it is a directory; name a file in it")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Stop(.refused, "can't read \(path): there is no such file, or it may not be read")
    }
    guard let text = String(data: data, encoding: .utf8) else {
      throw Stop(.refused, "\(path) is no UTF-8 text")
    }
    return text
  }
}
