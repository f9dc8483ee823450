import Crypto
import FoundationEssentials
import NIOPosix

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// A system call on a file that failed.
struct DiskError: Error, CustomStringConvertible {
  let call: String
  let path: String
  let number: Int32

  init(_ call: String, _ path: String, _ number: Int32 = errno) {
    self.call = call
    self.path = path
    self.number = number
  }

  var description: String { "\(path): \(String(cString: strerror(number)))" }
}

/// Files that survive a crash: whatever is replaced is either the old or the new, wholly.
enum Disk {
  /// Runs work that waits for the disk off the threads that tasks share.
  static func offloaded<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws -> T {
    try await NIOThreadPool.singleton.runIfActive(body)
  }

  /// Milliseconds since 1970.
  static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

  /// A word for a name that no one else has.
  static func nonce() -> String { String(UInt64.random(in: .min ... .max), radix: 36) }

  static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// Makes a directory and those above it; one that exists is fine.
  static func makeDirectory(_ path: String) throws(DiskError) {
    if mkdir(path, 0o755) == 0 || errno == EEXIST { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
      throw DiskError("mkdir", path)
    }
    try makeDirectory(String(path[..<slash]))
    guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw DiskError("mkdir", path) }
  }

  /// The names in a directory, in no order; none where it does not exist.
  static func names(in path: String) throws(DiskError) -> [String] {
    guard let stream = opendir(path) else {
      if errno == ENOENT { return [] }
      throw DiskError("opendir", path)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names
  }

  /// A whole file; nil where it does not exist.
  static func read(_ path: String) throws(DiskError) -> [UInt8]? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw DiskError("open", path)
    }
    defer { close(file) }
    var bytes: [UInt8] = []
    try eachChunk(of: file, path) { bytes += $0 }
    return bytes
  }

  /// At most the last so many bytes of a file; empty where it can't be read.
  static func tail(_ path: String, bytes limit: Int) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    let size = lseek(file, 0, SEEK_END)
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = pread(file, &buffer, limit, max(0, size - off_t(limit)))
    return Array(buffer.prefix(max(0, count)))
  }

  /// Replaces a file's content in one step, and has it on the disk when this returns.
  static func replace(_ path: String, with bytes: [UInt8]) throws(DiskError) {
    let draft = "\(path).\(nonce())"
    let file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw DiskError("open", draft) }
    do throws(DiskError) {
      defer { close(file) }
      try write(bytes[...], to: file, draft)
      guard fsync(file) == 0 else { throw DiskError("fsync", draft) }
    } catch {
      unlink(draft)
      throw error
    }
    try rename(draft, to: path)
  }

  /// Renames, over what is there, and has the new name on the disk when this returns.
  static func rename(_ from: String, to path: String) throws(DiskError) {
    #if canImport(Glibc)
      let status = Glibc.rename(from, path)
    #elseif canImport(Musl)
      let status = Musl.rename(from, path)
    #else
      let status = Darwin.rename(from, path)
    #endif
    guard status == 0 else { throw DiskError("rename", path) }
    try flushDirectory(of: path)
  }

  /// Points a symbolic link to a target in one step.
  static func replaceLink(_ path: String, target: String) throws(DiskError) {
    let draft = "\(path).\(nonce())"
    guard symlink(target, draft) == 0 else { throw DiskError("symlink", draft) }
    do throws(DiskError) { try rename(draft, to: path) } catch {
      unlink(draft)
      throw error
    }
  }

  /// What a symbolic link points to; nil where there is none.
  static func linkTarget(_ path: String) throws(DiskError) -> String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes {
      readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    guard count >= 0 else {
      if errno == ENOENT { return nil }
      throw DiskError("readlink", path)
    }
    return String(decoding: buffer.prefix(count), as: UTF8.self)
  }

  /// Copies a file to a new one, and has it on the disk; its SHA-256 and size.
  static func copy(_ source: String, to target: String) throws(DiskError) -> (sha256: String, size: Int) {
    let from = open(source, O_RDONLY | O_CLOEXEC)
    guard from >= 0 else { throw DiskError("open", source) }
    defer { close(from) }
    let to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard to >= 0 else { throw DiskError("open", target) }
    defer { close(to) }
    var hash = SHA256()
    var size = 0
    try eachChunk(of: from, source) { (chunk) throws(DiskError) in
      hash.update(data: chunk)
      size += chunk.count
      try write(chunk, to: to, target)
    }
    guard fsync(to) == 0 else { throw DiskError("fsync", target) }
    return (hexadecimal(hash.finalize()), size)
  }

  /// The SHA-256 of a file, which with `flush` is on the disk when this returns.
  static func digest(of path: String, flush: Bool) throws(DiskError) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw DiskError("open", path) }
    defer { close(file) }
    var hash = SHA256()
    try eachChunk(of: file, path) { hash.update(data: $0) }
    if flush, fsync(file) != 0 { throw DiskError("fsync", path) }
    return hexadecimal(hash.finalize())
  }

  static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// When a file or directory was changed last; nil where there is none.
  static func changed(_ path: String) -> Date? {
    (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
  }

  /// Removes a file or a whole directory. What can't be removed stays: nothing depends on its absence.
  static func discard(_ path: String) {
    if unlink(path) == 0 || errno == ENOENT { return }
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Has the entry of a path in its directory on the disk.
  private static func flushDirectory(of path: String) throws(DiskError) {
    guard let slash = path.lastIndex(of: "/") else { return }
    let parent = slash == path.startIndex ? "/" : String(path[..<slash])
    let file = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { throw DiskError("open", parent) }
    defer { close(file) }
    guard fsync(file) == 0 else { throw DiskError("fsync", parent) }
  }

  private static func eachChunk(
    of file: Int32, _ path: String, _ body: (ArraySlice<UInt8>) throws(DiskError) -> Void
  ) throws(DiskError) {
    var buffer = [UInt8](repeating: 0, count: 256 * 1024)
    while true {
      let count = buffer.withUnsafeMutableBytes { readBytes(file, $0.baseAddress!, $0.count) }
      if count == 0 { return }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw DiskError("read", path)
      }
      try body(buffer[..<count])
    }
  }

  static func write(_ bytes: ArraySlice<UInt8>, to file: Int32, _ path: String) throws(DiskError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { writeBytes(file, $0.baseAddress!, $0.count) }
      guard count >= 0 else {
        if errno == EINTR { continue }
        throw DiskError("write", path)
      }
      rest = rest.dropFirst(count)
    }
  }
}

// The enum's own `read` and `write` would hide the system's.
private func readBytes(_ file: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(file, buffer, count)
}
private func writeBytes(_ file: Int32, _ buffer: UnsafeRawPointer, _ count: Int) -> Int {
  write(file, buffer, count)
}
