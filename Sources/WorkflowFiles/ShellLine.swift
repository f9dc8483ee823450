/// Where a program takes text as code, no value may be put into it: whoever sets the value would write the code.
enum ShellLine {
  private static let interpreters: [String: Set<String>] = {
    var all: [String: Set<String>] = [:]
    for shell in ["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "busybox"] { all[shell] = ["c"] }
    for program in ["python", "python2", "python3"] { all[program] = ["c"] }
    all["perl"] = ["e", "E"]
    all["ruby"] = ["e"]
    all["node"] = ["e", "p"]
    all["php"] = ["r"]
    all["su"] = ["c"]
    return all
  }()

  /// The index of an argument that is code and has a name in it; nil where there is none.
  static func firstWithName(_ arguments: [Template]) -> Int? {
    var flags: Set<String> = []
    var isCode = false
    for (index, argument) in arguments.enumerated() {
      if isCode, !argument.names.isEmpty { return index }
      isCode = false
      guard argument.names.isEmpty, case .text(let text) = argument.pieces.first else { continue }
      let word = text.split(separator: "/").last.map(String.init) ?? text
      if word == "eval" { isCode = true }
      if let known = interpreters[word] {
        flags = known
      } else if text.hasPrefix("-"), !text.hasPrefix("--"),
        text.dropFirst().contains(where: { flags.contains("\($0)") })
      {
        isCode = true
      }
    }
    return nil
  }
}
