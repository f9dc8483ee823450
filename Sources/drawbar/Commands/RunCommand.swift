import ArgumentParser
import Console
import Fleet
import FoundationEssentials
import TaskQueue
import WorkflowFiles

struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run a workflow from its file, and follow it to its end.",
    discussion: """
      The file is checked as a whole first: every problem is told with its line, and nothing is submitted while \
      there is one. It is submitted to the Redis that is named, or to a Drawbar that is up; where there is none, \
      this command starts a private Redis and does the work itself, until the workflow has ended.

      The same --id runs once, however often it is given: a run that was cut off goes on where it was. Ctrl-C \
      cancels the workflow; a second one leaves at once. docs/workflows.md has every key of a file.

      Examples:
        drawbar run restart.yaml --set group=shop-web
        drawbar run restart.yaml --check                 # is the file in order?
        drawbar run restart.yaml --dry-run               # what would run, step by step
        drawbar run nightly.yaml --id nightly-2026-11-21 --detach
        drawbar run build.yaml --output all              # with all that its steps write
      """)

  @Argument(help: "The workflow's YAML file.", completion: .file(extensions: ["yaml", "yml"])) var file:
    String
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("A parameter's value; may be given several times.", valueName: "name=value"))
  var values: [String] = []
  @Option(
    help: ArgumentHelp("Its name; the same one runs once. Default: made of the file's name and the time."))
  var id: String?
  @Flag(help: "Check the file and the values, and do nothing else. Parameters may be missing.") var check =
    false
  @Flag(help: "Show what would run. Nothing is submitted.") var dryRun = false
  @Flag(help: "Submit it and don't follow it.") var detach = false
  @Option(
    help: ArgumentHelp("Programs that run at once, where this command does the work.", valueName: "count"))
  var concurrency = 16
  @Option(
    name: .customLong("output"),
    help: ArgumentHelp(
      "Whose output is shown: failed (its last lines), all or none. Default: failed; all where there is one step.",
      valueName: "steps"))
  var shows: OutputMode?
  @OptionGroup var output: OutputOptions
  @OptionGroup var place: PlaceOptions

  func validate() throws {
    guard (1...1_000).contains(concurrency) else {
      throw ValidationError("--concurrency \(concurrency): use 1 to 1000")
    }
    if [check, dryRun, detach].count(where: \.self) > 1 {
      throw ValidationError("give one of --check, --dry-run and --detach")
    }
  }

  func run() async throws {
    let workflow = try source.parsed()
    let parameters = try source.parameters()
    let id = try identifier(workflow.name)
    if check { return try await check(workflow, id, parameters) }
    _ = try workflow.values(parameters)
    if dryRun { return show(try await filled(workflow, id, parameters), id, on: .standardOutput()) }
    // Nothing is started for what can't run. Where no Drawbar is up, groups are looked up later.
    var known: Workflow?
    do {
      known = try await filled(workflow, id, parameters)
    } catch let stop as Stop where stop.ending == .unavailable && !detach {}
    let host = RunHost(place: place, concurrency: concurrency, mayWork: !detach)
    let ending = try await host.run { session, reach in
      let filled: Workflow
      if let known {
        filled = known
      } else {
        filled = try await workflow.filled(surroundings(id, parameters, session.fleet))
      }
      let earlier = try await submit(filled, id, session, reach)
      if detach {
        told(id, earlier == nil, session.terminal)
        var missing = MissingWorkers()
        if earlier == nil {
          try await missing.look([QueueName(filled.queue ?? Workflow.queue)], session.queue)
        }
        for lack in missing.lacks { Problem.note(lack.sentence(place), json: output.json) }
        return .succeeded
      }
      if let earlier { Problem.note(words(of: earlier), json: output.json) }
      let follow = RunFollow(
        queue: session.queue, terminal: session.terminal, json: output.json, reach: reach,
        again: "drawbar run \(file) --id \(id)", output: shows, place: place)
      return try await reach.working(on: id, filled, session) { try await follow(id) }
    }
    if ending != .succeeded { throw Stop(ending) }
  }

  /// - Throws: ``Stop`` (unavailable) where it names a group, and there is nobody to ask for its servers.
  private func filled(
    _ workflow: WorkflowFile, _ id: ChainID, _ parameters: [String: String]
  ) async throws -> Workflow {
    try await RunHost.lookingUp(place) { fleet in
      try await workflow.filled(surroundings(id, parameters, fleet))
    }
  }

  /// Returns the one that is there already; nil: it is new.
  ///
  /// - Throws: ``Stop`` where that is another workflow.
  private func submit(
    _ workflow: Workflow, _ id: ChainID, _ session: Session, _ reach: RunHost.Reach
  ) async throws -> ChainStatus? {
    let digest = try source.digest()
    if let there = try await session.queue.inspect(id) { return try same(there, digest) }
    var workflow = workflow
    if workflow.queue == nil { workflow.queue = try reach.queue(of: id).rawValue }
    let chain = try workflow.chain(id: id, source: digest)
    let store = WorkflowStore(redis: session.queue.redis)
    // First, so that whoever sees the workflow finds its words.
    try await store.keep(workflow.outline, of: id, for: workflow.keptFor)
    switch try await session.queue.submit(chain) {
    case .created:
      // Again, as another may have kept its own and come second.
      try await store.keep(workflow.outline, of: id, for: workflow.keptFor)
      try await store.list(id, name: workflow.name)
      return nil
    case .existed:
      guard let there = try await session.queue.inspect(id) else {
        throw Stop(.refused, "\(id) was removed at this moment; say it again")
      }
      return try same(there, digest)
    case .duplicate(let other):
      throw Stop(
        .refused, "\(other) runs under the same unique key; look at it with drawbar workflow watch \(other)")
    }
  }

  private func same(_ there: ChainInspection, _ digest: String) throws -> ChainStatus {
    // One of an earlier version doesn't say.
    if there.headers[Workflow.sourceHeader, default: digest] == digest { return there.status }
    throw Stop(
      .refused,
      "\(there.status.id) exists since \(since(there.status)), of another file than \(file) as it is now, or with "
        + "other values; nothing was submitted. Give another --id, or look at it: "
        + "drawbar workflow show \(there.status.id)\(place.options)")
  }

  private func since(_ status: ChainStatus) -> String {
    status.submittedAt.map { Clock.text($0) + " UTC" } ?? "some time"
  }

  private func words(of earlier: ChainStatus) -> String {
    "\(earlier.id) exists since \(since(earlier)) "
      + (earlier.hasEnded
        ? "and has ended: nothing is run again. For that give another --id"
        : "and is gone on with, or followed where others work on it")
  }

  // MARK: What was given

  private var source: WorkflowSource { WorkflowSource(file: file, values: values) }

  private func surroundings(
    _ id: ChainID, _ parameters: [String: String], _ fleet: FleetStore?
  ) -> Surroundings { source.surroundings(id.rawValue, parameters, fleet) }

  /// Short enough for the ids that are made of it: of branches, and of branches within them.
  private func identifier(_ workflow: String) throws -> ChainID {
    guard let id else { return try ChainID(Self.name(workflow)) }
    guard id.utf8.count <= 100, !id.contains("/") else {
      throw Stop(.refused, "--id '\(id.prefix(40))' can't be used: up to 100 characters and no '/'")
    }
    return try ChainID(id)
  }

  /// `<name>-<time>-<four characters>`
  private static func name(_ workflow: String) -> String {
    let now = Int64(Date().timeIntervalSince1970 * 1_000)
    let time = Clock.text(now).filter { $0.isNumber || $0 == " " }.map { $0 == " " ? "-" : $0 }
    let digits = Array("0123456789abcdefghjkmnpqrstvwxyz")
    return "\(workflow)-\(String(time))-\(String((0..<4).map { _ in digits.randomElement() ?? "0" }))"
  }

  // MARK: Answers

  private func check(_ workflow: WorkflowFile, _ id: ChainID, _ parameters: [String: String]) async throws {
    let missing = workflow.parameters.filter { $0.standard == nil && parameters[$0.name] == nil }
    var answer = CheckedFile(file: file, workflow: workflow.name, missing: missing.map(\.name))
    if missing.isEmpty {
      do {
        answer.steps = try await filled(workflow, id, parameters).steps.count
      } catch let stop as Stop where stop.ending == .unavailable {
        answer.groupsUnknown = true
      }
    } else {
      // What was given is looked at, too.
      try workflow.check(parameters)
    }
    let terminal = Terminal.standardOutput()
    terminal.show(output.json ? Line(JSONText.line(answer)) : answer.line)
  }

  private struct Submitted: Encodable {
    let workflow: String
    /// `created` or `existed`.
    let submitted: String
  }

  private func told(_ id: ChainID, _ isNew: Bool, _ terminal: Terminal) {
    if output.json {
      let answer = Submitted(workflow: id.rawValue, submitted: isNew ? "created" : "existed")
      return terminal.show(Line(JSONText.line(answer)))
    }
    terminal.show(Line(id.rawValue, .bold) + Line(isNew ? " is submitted" : " was submitted before"))
  }

  private func show(_ workflow: Workflow, _ id: ChainID, on terminal: Terminal) {
    if output.json { return terminal.show(Line(JSONText.line(ShownRun(workflow, id: id)))) }
    terminal.show(workflow.lines)
  }
}

/// What `--check` found.
private struct CheckedFile: Encodable {
  let file: String
  let workflow: String
  /// Parameters that have to be set before it can run.
  let missing: [String]
  /// Steps with their batches, where all values are known.
  var steps: Int?
  /// Groups that it names were not looked up: there is no Redis to ask.
  var groupsUnknown: Bool?

  var line: Line {
    var line = Line(file, .bold) + Line(" is in order", .green) + Line(": \(workflow)")
    if let steps { line += Line(", \(steps) step\(steps == 1 ? "" : "s")") }
    if !missing.isEmpty { line += Line("; to be set: \(missing.joined(separator: ", "))") }
    if groupsUnknown == true {
      line += Line("; its group was not looked up, as no Drawbar is up", .yellow)
    }
    return line
  }
}
