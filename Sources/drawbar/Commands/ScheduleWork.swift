import ArgumentParser
import Fleet
import FoundationEssentials
import Programs
import TaskQueue
import WorkflowFiles

/// What a schedule runs, as options: a workflow's file, a program, or a task.
struct WorkOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("A workflow's YAML file, as it is now.", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml"]))
  var workflow: String?
  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("A parameter of the workflow; may be given several times.", valueName: "name=value"))
  var values: [String] = []

  @Flag(help: "The program that follows after --, with its arguments; no shell looks at them.") var program =
    false
  @Argument(
    parsing: .postTerminator, help: ArgumentHelp("The program and its arguments.", valueName: "argument"))
  var arguments: [String] = []
  @Option(help: ArgumentHelp("Where the program runs. Default: the root directory.", valueName: "dir"))
  var directory: String?

  @Option(help: ArgumentHelp("A task that workers know, by its name.", valueName: "name")) var task: String?
  @Option(help: ArgumentHelp("The task's input.", valueName: "json")) var input: String?

  @Option(help: "The queue that a program or task waits in. Default: programs, or default for a task.")
  var queue: String?
  @Option(
    help: ArgumentHelp("How often a program or task is tried, 1 to 100. Default: 1.", valueName: "count"))
  var attempts: Int?
  @Option(help: ArgumentHelp("A program or task is ended after so long, and has failed.", valueName: "time"))
  var timeLimit: String?

  func validate() throws {
    if let attempts, !(1...100).contains(attempts) {
      throw ValidationError("--attempts \(attempts): use 1 to 100")
    }
    if !program, !arguments.isEmpty {
      throw ValidationError("what follows after -- needs --program before it")
    }
    if program, arguments.isEmpty {
      throw ValidationError("--program: write the program after --, with a space")
    }
  }

  /// What each firing submits.
  ///
  /// - Parameter place: where a workflow's groups are asked for.
  func chain(for id: ScheduleID, _ place: PlaceOptions) async throws -> Chain {
    switch (workflow, program, task) {
    case (let file?, false, nil): try await chain(of: file, id, place)
    case (nil, true, nil): try programChain(id)
    case (nil, false, let task?): try taskChain(task, id)
    case (nil, false, nil): throw Stop(.refused, "say what it is to run: --workflow, --program or --task")
    default: throw Stop(.refused, "--workflow, --program and --task exclude each other; use one")
    }
  }

  private func chain(of file: String, _ id: ScheduleID, _ place: PlaceOptions) async throws -> Chain {
    guard queue == nil, attempts == nil, timeLimit == nil, directory == nil, input == nil else {
      throw Stop(
        .refused,
        "queue, attempts, time limits, directory and inputs of a workflow stand in its file, not here")
    }
    let source = WorkflowSource(file: file, values: values)
    let parsed = try source.parsed()
    let parameters = try source.parameters()
    _ = try parsed.values(parameters)
    let filled = try await RunHost.lookingUp(place) { fleet in
      try await parsed.filled(source.surroundings(id.rawValue, parameters, fleet))
    }
    return try filled.chain(id: ChainID(id.rawValue), source: try source.digest())
  }

  private func programChain(_ id: ScheduleID) throws -> Chain {
    guard values.isEmpty, input == nil else {
      throw Stop(.refused, "--set and --input are not for --program")
    }
    var program = ProgramInput(arguments)
    program.directory = directory.map(Files.absolute)
    program.timeLimit = try limit.map { Int($0) }
    if let problem = program.problem { throw Stop(.refused, problem) }
    // The program's own limit is the one that tells its last lines; the queue's is for where that fails.
    let link = Link(
      named: ProgramTask.name, json: Array(try JSONEncoder().encode(program)),
      options: try options(limit.map { $0 + Int64(program.grace) + 10_000 }))
    return try Chain(
      id: ChainID(id.rawValue), queue: QueueName(queue ?? Workflow.queue), lane: "schedule-\(id)",
      links: [link])
  }

  private func taskChain(_ task: String, _ id: ScheduleID) throws -> Chain {
    guard values.isEmpty, directory == nil else {
      throw Stop(.refused, "--set and --directory are not for --task")
    }
    return try Chain(
      id: ChainID(id.rawValue), queue: QueueName(queue ?? QueueName.default.rawValue),
      links: [Link(named: Identifier<Task>(task).rawValue, json: try json(), options: options(limit))])
  }

  private var limit: Int64? {
    get throws { try timeLimit.map { try TimesOptions.duration($0, "--time-limit") } }
  }

  private func options(_ limit: Int64?) -> LinkOptions {
    LinkOptions(retry: RetryPolicy(attempts: attempts ?? 1), timeLimit: limit.map { .milliseconds($0) })
  }

  private enum Task {}

  /// Any JSON: the decoder reads all of it first.
  private struct Whatever: Decodable {
    init(from decoder: any Decoder) {}
  }

  private func json() throws -> [UInt8]? {
    guard let input else { return nil }
    do { _ = try JSONDecoder().decode(Whatever.self, from: Data(input.utf8)) } catch {
      throw Stop(.refused, "--input is no JSON: \(input.prefix(60))")
    }
    return Array(input.utf8)
  }
}
