import Fleet
import Rollout

extension Stages {
  /// A script on the server, on whatever version it runs.
  ///
  /// - Returns: a note for the operator: the last line that it wrote.
  public func run(_ input: StageInput, generation: Int) async throws -> String? {
    guard let run = input.dayTwo else {
      throw DeliveryFailure(.input, "\(input.deployment) has no script to run")
    }
    return try await keepingOut(input, generation, first: run.drained) { [drivers] in
      try await drivers.host(input.hosts).run(
        RunOrder(
          script: run.script, arguments: run.arguments,
          install: InstallOrder(
            package: input.package, deployment: input.deployment, group: input.group,
            scripts: input.scripts, scriptTimeout: .milliseconds(input.rules.scriptTimeout),
            keepVersions: input.rules.keepVersions, frozen: input.frozen)),
        on: input.server, under: input.token(generation: generation))
    }
  }
}

/// A script to be run on a server, and what it runs with.
public struct RunOrder: Sendable, Equatable {
  /// Its name among the deployment's scripts; `restart`, where the group has none of that name, is `stop` and `start`.
  public var script: String
  /// Handed to it as they are.
  public var arguments: [String]
  /// Scripts, limits and what is for their environment.
  public var install: InstallOrder

  public init(script: String, arguments: [String], install: InstallOrder) {
    self.script = script
    self.arguments = arguments
    self.install = install
  }

  /// The scripts that it comes to, in their order.
  var steps: [String] {
    script == "restart" && install.scripts[script] == nil ? ["stop", "start"] : [script]
  }
}
