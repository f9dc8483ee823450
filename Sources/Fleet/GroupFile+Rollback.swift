import Rollout
import Yams

extension GroupFile {
  /// When a release is taken back without a person; nil where the rules say nothing of it.
  static func rollback(_ config: YAMLFields) -> RollbackPolicy? {
    guard let node = config.node("rollback") else { return nil }
    let fields = YAMLFields(
      node, path: "config.rollback", known: ["name", "onBrake", "onBakeFailure", "marksBad", "watch"],
      problems: config.problems)
    fields.required("name", "what the record calls it, such as canary")
    var policy = RollbackPolicy(name: fields.name("name", .name) ?? "")
    policy.onBrake = causes(fields) ?? policy.onBrake
    policy.onBakeFailure = fields.flag("onBakeFailure") ?? policy.onBakeFailure
    policy.marksBad = fields.flag("marksBad") ?? policy.marksBad
    policy.watch = watch(fields)
    return policy
  }

  /// What a policy may answer: never a person's own brake.
  private static func causes(_ fields: YAMLFields) -> Set<Braked.Cause>? {
    guard let node = fields.node("onBrake") else { return nil }
    let allowed: [Braked.Cause] = [.failures, .inService, .deadline, .campaign]
    let words = node.sequence.map { $0.map { $0.scalar?.string ?? "" } } ?? [node.scalar?.string ?? ""]
    let causes = words.map { word in allowed.first { $0.rawValue == word } }
    guard !causes.contains(nil) else {
      fields.wrong(
        "onBrake",
        "is no list of brakes; use [\(allowed.map(\.rawValue).joined(separator: ", "))], or [] for none")
      return nil
    }
    return Set(causes.compactMap(\.self))
  }

  private static func watch(_ policy: YAMLFields) -> Watch? {
    guard let node = policy.node("watch") else { return nil }
    let fields = YAMLFields(
      node, path: "config.rollback.watch", known: ["checks", "time", "every", "failures"],
      problems: policy.problems)
    var watch = Watch(checks: [])
    watch.time = fields.duration("time") ?? watch.time
    watch.every = fields.duration("every") ?? watch.every
    watch.failures = fields.integer("failures", in: 1...1_000, what: "a number of failures") ?? watch.failures
    guard let list = fields.node("checks")?.sequence, !list.isEmpty else {
      fields.wrong("checks", "expected a list: - { name: errors, health: http://… }")
      return nil
    }
    watch.checks = list.enumerated().compactMap { index, node in
      check(
        YAMLFields(
          node, path: "config.rollback.watch.checks[\(index)]",
          known: ["name", "health", "command", "prometheus", "timeout"], problems: fields.problems))
    }
    return watch
  }

  private static func check(_ fields: YAMLFields) -> Check? {
    fields.required("name", "what the record calls it")
    let probes = [fields.node("health"), fields.node("command"), fields.node("prometheus")].compactMap(\.self)
    guard probes.count == 1, let probe = probe(fields) else {
      if probes.count != 1 {
        fields.problems.add(
          fields.path, at: fields.mark,
          "give one of health: URL, command: [program, argument …] and prometheus: { url, query, atLeast, atMost }"
        )
      }
      return nil
    }
    var check = Check(name: fields.name("name", .name) ?? "", probe: probe)
    check.timeout = fields.duration("timeout") ?? check.timeout
    return check
  }

  private static func probe(_ fields: YAMLFields) -> Check.Probe? {
    if fields.node("health") != nil { return url(fields, "health").map { .health(url: $0) } }
    if let node = fields.node("command") {
      let words = node.sequence?.compactMap { $0.scalar?.string } ?? []
      guard !words.isEmpty, words.count == node.sequence?.count, words[0] != "" else {
        fields.wrong("command", "expected a program and its arguments: [/usr/bin/check, --fast]")
        return nil
      }
      return .command(words)
    }
    guard let node = fields.node("prometheus") else { return nil }
    let query = YAMLFields(
      node, path: fields.field("prometheus"), known: ["url", "query", "atLeast", "atMost"],
      problems: fields.problems)
    query.required("url", "where Prometheus is: http://prometheus:9090")
    query.required("query", "an instant query in PromQL")
    let (least, most) = (number(query, "atLeast"), number(query, "atMost"))
    if query.node("atLeast") == nil, query.node("atMost") == nil {
      query.problems.add(query.path, at: query.mark, "give atLeast, atMost or both: else every value passes")
    }
    guard let url = url(query, "url"), let text = query.text("query") else { return nil }
    return .prometheus(url: url, query: text, atLeast: least, atMost: most)
  }

  private static func url(_ fields: YAMLFields, _ key: String) -> String? {
    guard let text = fields.text(key) else { return nil }
    let fine = text.unicodeScalars.allSatisfy { $0.isASCII && $0.value > 32 && $0.value != 127 }
    guard fine, text.hasPrefix("http://") || text.hasPrefix("https://") else {
      fields.wrong(key, "'\(text)' is no URL; write http://… or https://…")
      return nil
    }
    return text
  }

  private static func number(_ fields: YAMLFields, _ key: String) -> Double? {
    guard let text = fields.text(key) else { return nil }
    guard let number = Double(text), number.isFinite else {
      fields.wrong(key, "'\(text)' is no number")
      return nil
    }
    return number
  }
}
