import TaskQueue

extension ProgramInput {
  /// What people call the step.
  public var title: String {
    name ?? arguments.first?.split(separator: "/").last.map(String.init) ?? "program"
  }

  /// What can't be run, on whatever machine; nil where nothing is wrong.
  ///
  /// The operating system would cut an argument at a zero byte, and refuses one of 128 KiB or more.
  public var problem: String? {
    guard let program = arguments.first, !program.isEmpty else { return "there is no program to run" }
    for (index, argument) in arguments.enumerated() {
      if argument.utf8.contains(0) { return "argument \(index) contains a zero byte" }
      if argument.utf8.count >= 131_072 { return "argument \(index) is longer than 128 KiB" }
    }
    for name in environment.keys.sorted() + inherits {
      guard Self.isVariable(name) else {
        return "'\(name)' can't be a variable; use letters, digits and '_', the first no digit"
      }
      if name.hasPrefix("DRAWBAR_") { return "\(name) is one of Drawbar's own variables; use another name" }
    }
    for (name, value) in environment {
      if value.utf8.contains(0) { return "the variable \(name) contains a zero byte" }
      if name.utf8.count + value.utf8.count >= 131_000 {
        return "the variable \(name) is longer than 128 KiB"
      }
    }
    if let directory, !directory.hasPrefix("/") { return "the directory '\(directory)' is not absolute" }
    if grace < 0 || timeLimit.map({ $0 <= 0 }) == true { return "a time limit has to be above 0" }
    return nil
  }

  /// Whether a text can name a variable.
  public static func isVariable(_ name: String) -> Bool {
    guard let first = name.utf8.first, name.utf8.count <= 200, !(48...57).contains(first) else {
      return false
    }
    return name.utf8.allSatisfy {
      (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == UInt8(ascii: "_")
    }
  }

  /// What the program gets, with its place in the workflow.
  func variables(_ inherited: [String: String], _ context: TaskContext) -> [String: String] {
    var all = inherited
    all["PATH"] = all["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    all.merge(environment) { $1 }
    all["DRAWBAR_CHAIN"] = context.chain.rawValue
    all["DRAWBAR_LINK"] = "\(context.link)"
    all["DRAWBAR_ATTEMPT"] = "\(context.attempt)"
    all["DRAWBAR_GENERATION"] = "\(context.generation)"
    return all
  }
}
