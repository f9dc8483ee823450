import InMemoryTracing
import TestSupport
import Testing
import Tracing

@testable import TaskQueue

@Suite struct TracingTests {
  private func spans(_ tracer: InMemoryTracer) -> [FinishedInMemorySpan] { tracer.finishedSpans }

  private func run(headers: [String: String] = [:], retry: RetryPolicy = .never) throws -> TaskRun {
    try TaskRun(
      task: "image.resize", chain: ChainID("thumb-42"), link: 1, attempt: 2, queue: QueueName("images"),
      headers: headers, retry: retry)
  }

  @Test func aLinkIsAConsumersSpanWithinTheTraceOfItsChain() async throws {
    let tracer = InMemoryTracer()
    let submitting = tracer.startSpan("submit", ofKind: .producer)
    var headers: [String: String] = [:]
    tracer.inject(submitting.context, into: &headers, using: Headers())
    submitting.end()
    tracer.clearFinishedSpans()

    _ = try await TraceLinks(tracer: tracer).handle(try run(headers: headers)) {
      // What the task does belongs to the link.
      tracer.startSpan("inside", ofKind: .client).end()
      return TaskOutput(bytes: [])
    }
    let (inside, link) = (spans(tracer)[0], spans(tracer)[1])
    #expect(link.operationName == "run image.resize")
    #expect(link.kind == .consumer)
    #expect(link.traceID == submitting.traceID)
    #expect(inside.operationName == "inside")
    #expect(inside.parentSpanID == link.spanID)
    #expect(link.errors.isEmpty)
    #expect(link.status == nil)
    func attribute(_ name: String) -> String? {
      link.attributes.get(name).map { "\($0)" }
    }
    #expect(link.attributes.get("messaging.destination.name") == "images")
    #expect(link.attributes.get("messaging.message.conversation_id") == "thumb-42")
    #expect(link.attributes.get("drawbar.task") == "image.resize")
    #expect(link.attributes.get("drawbar.outcome") == "done")
  }

  @Test func theSubmittersSpanIsTheParentOfWhatTheWorkerRuns() async throws {
    let tracer = InMemoryTracer()
    try await Stand.with { queue, _ in
      [
        Worker(
          queue: queue, tasks: TaskRegistry(Obey(), Pass(queue: queue)),
          configuration: WorkerConfiguration(middleware: [TraceLinks(tracer: tracer)]), logger: quiet)
      ]
    } _: { stand in
      let queue = stand.queue
      func submit(_ span: String, _ body: () async throws -> Void) async throws -> String {
        try await withTracer(tracer) {
          try await tracer.withSpan(span, ofKind: .producer) { span in
            try await body()
            return span.context.inMemorySpanContext?.spanID ?? ""
          }
        }
      }
      let group = try Chain(
        id: ChainID("group"), links: [.group([[Link(Obey.self, "well")], [Link(Obey.self, "well")]])])
      var commit = Commit()
      commit.submit = [try Chain(id: ChainID("committed"), links: [Link(Obey.self, "well")])]
      let settled = try ChainGroup(
        id: GroupID("settled"), members: [Chain(id: ChainID("member"), links: [Link(Obey.self, "well")])],
        onSettled: Chain(id: ChainID("callback"), links: [Link(Obey.self, "well")]))
      let parents = [
        "pass": try await submit("one") {
          try await queue.submit(Chain(id: ChainID("pass"), links: [Link(Pass.self, "passed")]))
        },
        "many": try await submit("many") {
          try await queue.submit([Chain(id: ChainID("many"), links: [Link(Obey.self, "well")])])
        },
        "group/0/1": try await submit("workflow") { try await queue.submit(group) },
        "committed": try await submit("commit") { _ = try await queue.commit(commit) },
        "callback": try await submit("group") { try await queue.submit(settled) },
      ]
      // No trace, or one of its own: both stay.
      try await queue.submit(Chain(id: ChainID("untraced"), links: [Link(Obey.self, "well")]))
      var own = try Chain(id: ChainID("own"), links: [Link(Obey.self, "well")])
      own.headers = ["in-memory-trace-id": "t", "in-memory-span-id": "s"]
      _ = try await submit("not this one") { try await queue.submit(own) }

      func consumers() -> [String: FinishedInMemorySpan] {
        let spans = tracer.finishedSpans.filter { $0.kind == .consumer }
        return Dictionary(
          spans.map { span in
            guard case .string(let id) = span.attributes.get("messaging.message.conversation_id") else {
              return ("", span)
            }
            return (id, span)
          }
        ) { first, _ in first }
      }
      try await eventually("all have run") { consumers().count == 10 }
      for (chain, parent) in parents { #expect(consumers()[chain]?.parentSpanID == parent, "\(chain)") }
      // What a task submits belongs to the task's span.
      #expect(consumers()["passed"] != nil && consumers()["untraced"] != nil)
      #expect(consumers()["passed"]?.parentSpanID == consumers()["pass"]?.spanID)
      #expect(consumers()["untraced"]?.parentSpanID == nil)
      #expect(consumers()["own"]?.parentSpanID == "s")
    }
  }

  @Test func aFailureIsAnErrorOfTheSpanAndGoesOn() async throws {
    let tracer = InMemoryTracer()
    let failure = TaskFailure(code: "disk", message: "full")
    await #expect(throws: TaskFailure.self) {
      try await TraceLinks(tracer: tracer).handle(run(retry: RetryPolicy(attempts: 3))) { throw failure }
    }
    let span = try #require(spans(tracer).first)
    #expect(span.errors.map { "\($0.error)" } == ["disk: full"])
    #expect(span.status?.code == .error)
    #expect(span.attributes.get("error.type") == "disk")
    #expect(span.attributes.get("drawbar.outcome") == "retried")
  }

  @Test func aTaskThatEndsItsChainEarlyMadeNoError() async throws {
    let tracer = InMemoryTracer()
    await #expect(throws: ChainControl.self) {
      try await TraceLinks(tracer: tracer).handle(run()) { throw ChainControl.finish(note: "enough") }
    }
    let span = try #require(spans(tracer).first)
    #expect(span.errors.isEmpty)
    #expect(span.status == nil)
    #expect(span.attributes.get("drawbar.outcome") == "done")
  }

  @Test func aChainThatCarriesNoTraceBeginsOne() async throws {
    let tracer = InMemoryTracer()
    // Nor does it join that of the worker.
    let worker = tracer.startSpan("worker")
    _ = try await ServiceContext.withValue(worker.context) {
      try await TraceLinks(tracer: tracer).handle(try run()) { TaskOutput(bytes: []) }
    }
    let span = try #require(spans(tracer).first)
    #expect(span.parentSpanID == nil)
    #expect(span.traceID != worker.traceID)
  }
}

/// Submits a chain of its own.
private struct Pass: QueueTask {
  static let name = "pass"
  let queue: Queue
  func run(_ input: String, _ context: TaskContext) async throws -> Nothing {
    try await queue.submit(Chain(id: ChainID(input), links: [Link(Obey.self, "well")]))
    return Nothing()
  }
}
