import ArgumentParser
import Console
import TaskQueue

extension QueueCommand {
  struct ShowChain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show",
      abstract: "Show a chain, or a group, as a tree: what is done, what runs where, and what failed why.",
      discussion: """
        Members of groups that failed or run are shown first. Of a group of its own (a release's batch, say) only \
        members that have not ended are listed.

        Examples:
          drawbar queue show order-42
          drawbar queue show order-42 --members 200 --log
          drawbar queue show order-42 --json | jq '.links[] | {task, state, result}'
        """)

    @Argument(help: ArgumentHelp("A chain or a group.", valueName: "id")) var id: String
    @Option(help: ArgumentHelp("Members shown of each group.", valueName: "count")) var members = 20
    @Flag(help: "Add the last lines that its tasks wrote.") var log = false
    @OptionGroup var options: QueueOptions

    func validate() throws {
      guard (0...10_000).contains(members) else {
        throw ValidationError("--members \(members): use 0 to 10000")
      }
    }

    func run() async throws {
      let id = try ChainID(id)
      try await options.open { session in
        let tree = WorkflowTree(broad: members)
        let now = try await session.queue.now()
        if let chain = try await tree.chain(id, in: session.queue) {
          session.terminal.show(
            options.json ? [Line(JSONText.line(chain.shown))] : chain.lines(now: now))
          if log, !options.json {
            session.terminal.show(
              [Line()] + (try await session.queue.log(of: id)).map { Line("  \($0)", .faint) })
          } else if chain.inspection.lines > 0, !options.json {
            session.terminal.show(
              Line("\(chain.inspection.lines) lines were written by its tasks: --log", .faint))
          }
        } else if let group = try await tree.group(GroupID(id.rawValue), in: session.queue) {
          if options.json { return session.terminal.show(Line(JSONText.line(group.shown))) }
          session.terminal.show(
            Line(id.rawValue, .bold)
              + Line(" group of \(group.inspection.size): \(group.summary)")
              + (group.inspection.why.map { Line("  the first that failed: \($0)", .red) } ?? Line()))
          session.terminal.show(group.lines(now: now, before: Line()))
        } else {
          throw Stop(
            .refused,
            "no chain or group \(id) is kept: it was never submitted to namespace \(options.namespace), or it ended "
              + "and its retention is over")
        }
      }
    }
  }
}
