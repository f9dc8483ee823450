import InMemoryTracing
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
