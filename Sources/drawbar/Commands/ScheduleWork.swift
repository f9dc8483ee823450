import ArgumentParser
import FoundationEssentials
import TaskQueue

/// What a schedule runs, as options.
struct WorkOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A task that workers know, by its name.", valueName: "name")) var task: String?
  @Option(help: ArgumentHelp("The task's input.", valueName: "json")) var input: String?
  @Option(help: "The queue that it waits in. Default: default.") var queue: String?
  @Option(help: ArgumentHelp("How often it is tried, 1 to 100.", valueName: "count")) var attempts = 1
  @Option(help: ArgumentHelp("It is ended after so long, and has failed.", valueName: "time")) var timeLimit:
    String?

  func validate() throws {
    guard (1...100).contains(attempts) else { throw ValidationError("--attempts \(attempts): use 1 to 100") }
  }

  /// What each firing submits.
  func chain(for id: ScheduleID) async throws -> Chain {
    guard let task else { throw Stop(.refused, "say what it is to run: --task") }
    let options = LinkOptions(
      retry: RetryPolicy(attempts: attempts),
      timeLimit: try timeLimit.map { .milliseconds(try TimesOptions.duration($0, "--time-limit")) })
    return try Chain(
      id: ChainID(id.rawValue), queue: QueueName(queue ?? QueueName.default.rawValue),
      links: [Link(named: Identifier<Task>(task).rawValue, json: try json(), options: options)])
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
