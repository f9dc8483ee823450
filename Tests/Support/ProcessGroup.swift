import Foundation
import Glibc

/// Whether any process of the group lives. One that is dead and not collected doesn't.
public func processGroupLives(_ group: Int32) -> Bool {
  guard kill(-group, 0) == 0 else { return false }
  let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
  return names.compactMap { Int32($0) }.contains { process in
    guard getpgid(process) == group,
      let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    else { return false }
    return !text.contains(") Z ")
  }
}
