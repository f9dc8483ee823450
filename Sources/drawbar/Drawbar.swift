import ArgumentParser
import Console

@main
struct Drawbar: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drawbar",
    abstract: "Rolling releases of server groups: batch by batch, with a bastion, a brake and a way back.",
    discussion: """
      First steps:
        drawbar up                               # in a terminal of its own
        drawbar group apply shop-web.yaml        # make the group known
        drawbar package push shop 1.4.2 ./build  # publish a version
        drawbar release shop-web 1.4.2           # plan, start and follow it

      Or run programs, one after another and side by side, as a file says:
        drawbar run Workflows/nightly-backup.yaml --set source=/srv --set target=/backup

      Exit codes:
      \(Ending.allCases.map { "  \($0.rawValue)  \($0.meaning)" }.joined(separator: "\n"))
      """,
    version: "0.1.0",
    groupedSubcommands: [
      CommandGroup(
        name: "Set up",
        subcommands: [Up.self, GroupCommand.self, PackageCommand.self, EpochCommand.self]),
      CommandGroup(
        name: "Release",
        subcommands: [
          PlanCommand.self, ReleaseCommand.self, Start.self, Bake.self, RolloutCommand.self, Pause.self,
          Continue.self, Brake.self, Retry.self, Resume.self, Accept.self, Abort.self, Rollback.self,
        ]),
      CommandGroup(
        name: "Run a fleet",
        subcommands: [
          CampaignCommand.self, ScaleOut.self, Restart.self, ScriptCommand.self, PullOut.self, PullIn.self,
          PutBack.self,
          Heal.self, DegradeCommand.self,
        ]),
      CommandGroup(name: "Run programs", subcommands: [RunCommand.self, WorkflowCommand.self]),
      CommandGroup(
        name: "Look",
        subcommands: [
          Watch.self, Show.self, Deployments.self, DriftCommand.self, Events.self, ReplayCommand.self,
          JournalCommand.self,
        ]),
      CommandGroup(
        name: "The queue beneath",
        subcommands: [QueueCommand.self, WorkersCommand.self, ScheduleCommand.self]),
    ])

  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let ending = told(await run(arguments))
    Drawbar.exit(withError: ending == .succeeded ? nil : ExitCode(ending.rawValue))
  }

  /// How it ends where its answer could not be written. Where its reader has gone that is no error of a command that
  /// came to its end.
  private static func told(_ ending: Ending) -> Ending {
    guard case .failed(let why) = Terminal.failure else { return ending }
    Problem.tell("drawbar: can't write to standard output: \(why); what it was to say is lost")
    return ending == .succeeded ? .failed : ending
  }

  /// Runs one command line and says how it ended. Errors are told on standard error.
  static func run(_ arguments: [String]) async -> Ending {
    do {
      var command = try parseAsRoot(arguments)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
      return .succeeded
    } catch let failure as Terminal.WriteFailure {
      return failure == .closed ? .unread : .failed
    } catch let stop as Stop {
      tell(stop, arguments)
      return stop.ending
    } catch {
      // Help and version come as errors that mean success; a wrong command line has a code of its own there.
      let code = exitCode(for: error)
      if code == .success {
        Terminal.standardOutput().write(fullMessage(for: error) + "\n")
        return .succeeded
      }
      if code == .validationFailure {
        Problem.tell(fullMessage(for: error))
        return .refused
      }
      tell(error, arguments)
      return Ending(error)
    }
  }

  private static func tell(_ error: any Error, _ arguments: [String]) {
    let problem = Problem(error)
    if problem.message.isEmpty { return }
    Problem.tell(arguments.contains("--json") ? problem.json : problem.text)
  }
}
