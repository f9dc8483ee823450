import Tracing

/// The trace in which a chain is submitted travels with it: in its headers, as the instrument writes it there
/// (for W3C's `traceparent` and `tracestate`, in these). ``TraceLinks`` takes it out again in the worker.
extension Queue {
  /// Headers that the caller has set stay: a chain that carries a trace already is not moved into another.
  func traced(_ chain: Chain) -> Chain {
    guard let context = ServiceContext.current else { return chain }
    var headers: [String: String] = [:]
    InstrumentationSystem.instrument.inject(context, into: &headers, using: Headers())
    guard !headers.isEmpty, !headers.keys.contains(where: { chain.headers[$0] != nil }) else { return chain }
    var chain = chain
    chain.headers.merge(headers) { own, _ in own }
    return chain
  }
}

/// A chain's headers as a carrier of traces.
struct Headers: Extractor, Injector {
  func extract(key: String, from headers: [String: String]) -> String? { headers[key] }

  func inject(_ value: String, forKey key: String, into headers: inout [String: String]) {
    headers[key] = value
  }
}
