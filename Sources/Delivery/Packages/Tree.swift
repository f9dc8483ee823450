import Crypto

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A directory's content as a value: what is in it, and one digest of all of it.
enum Tree {
  struct Entry {
    enum Kind: Equatable {
      case file(executable: Bool)
      case directory
      case link(target: String)
      /// A device, a pipe, a socket, or a file with a set-uid or set-gid bit.
      case other
    }
    /// Relative to the root.
    var path: String
    var kind: Kind
  }

  /// Everything below a directory, ordered by path byte for byte. Links are not followed.
  static func entries(of root: String) throws(DiskError) -> [Entry] {
    var found: [Entry] = []
    var open = [""]
    while let folder = open.popLast() {
      for name in try Disk.names(in: folder.isEmpty ? root : "\(root)/\(folder)") {
        let path = folder.isEmpty ? name : "\(folder)/\(name)"
        let kind = try kind(of: "\(root)/\(path)")
        if kind == .directory { open.append(path) }
        found.append(Entry(path: path, kind: kind))
      }
    }
    return found.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  /// The SHA-256 of the names, kinds, executable bits and contents of everything below a directory. With
  /// `flush` each file is on the disk when this returns.
  static func digest(of root: String, flush: Bool) throws(DiskError) -> String {
    var hash = SHA256()
    func add(_ text: String) { hash.update(data: Array("\(text.utf8.count):\(text)".utf8)) }
    for entry in try entries(of: root) {
      add(entry.path)
      switch entry.kind {
      case .directory: add("directory")
      case .link(let target): add("link to \(target)")
      case .other: add("other")
      case .file(let executable):
        add(executable ? "program" : "file")
        add(try Disk.digest(of: "\(root)/\(entry.path)", flush: flush))
      }
    }
    return Disk.hexadecimal(hash.finalize())
  }

  private static func kind(of path: String) throws(DiskError) -> Entry.Kind {
    var status = stat()
    guard lstat(path, &status) == 0 else { throw DiskError("lstat", path) }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: return .directory
    case S_IFLNK: return .link(target: try Disk.linkTarget(path) ?? "")
    case S_IFREG where status.st_mode & (S_ISUID | S_ISGID) == 0:
      return .file(executable: status.st_mode & S_IXUSR != 0)
    default: return .other
    }
  }
}
