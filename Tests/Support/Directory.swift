import Foundation

/// A directory that is gone after the body. Its path is short, since unix sockets live in it.
public func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
  let path = "/tmp/drawbar-\(UInt32.random(in: .min ... .max))"
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}
