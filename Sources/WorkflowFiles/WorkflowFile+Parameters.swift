import Fleet

extension WorkflowFile {
  /// Checks what the caller has set, and nothing else: more may have to be.
  ///
  /// - Throws: ``InvalidParameters`` with everything that is wrong.
  public func check(_ given: [String: String]) throws(InvalidParameters) {
    var file = self
    file.parameters = parameters.filter { given[$0.name] != nil || $0.standard != nil }
    _ = try file.values(given)
  }

  /// Checks what the caller has set, and adds the defaults.
  ///
  /// - Throws: ``InvalidParameters`` with everything that is wrong.
  public func values(_ given: [String: String]) throws(InvalidParameters) -> [String: String] {
    var problems: [String] = []
    let names = parameters.map(\.name)
    for name in given.keys.sorted() where !names.contains(name) {
      let meant = NearestWord.to(name, among: names).map { "did you mean \($0)? " } ?? ""
      let words = names.isEmpty ? "it has none" : "it has \(names.joined(separator: ", "))"
      problems.append("\(self.name) has no parameter \(name); \(meant)\(words)")
    }
    var values: [String: String] = [:]
    for parameter in parameters {
      guard let value = given[parameter.name] ?? parameter.standard else {
        let about = parameter.about.map { " (\($0))" } ?? ""
        problems.append("the parameter \(parameter.name)\(about) is missing; use --set \(parameter.name)=…")
        continue
      }
      if given[parameter.name] != nil, let problem = parameter.problem(of: value) {
        problems.append("the parameter \(parameter.name): \(problem)")
      }
      values[parameter.name] = value
    }
    guard problems.isEmpty else { throw InvalidParameters(problems: problems) }
    return values
  }
}
