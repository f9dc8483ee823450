import Foundation

/// Measures, or is one of the programs that a measurement needs: see `usage`.
@main
struct Bench {
  static let usage = """
    drawbar-bench [--only PART…] [--chains N]   measures all parts, or those named
    drawbar-bench worker SPEC                   a worker in a process of its own, for a measurement
    drawbar-bench peer worker|client            Drawbar's side of `make bench-peers`

    Parts: \(parts.map(\.name).joined(separator: ", "))
    --chains N   how many chains the part `retention` runs: 100,000 if not said
    REPORT=FILE  writes the table as JSON
    """

  typealias Part = (name: String, measure: @Sendable (inout Report, Options) async throws -> Void)

  /// In the order in which they are measured.
  static let parts: [Part] = [
    ("redis", { report, _ in try await benchRedis(&report) }),
    ("chains", { report, _ in try await benchChains(&report) }),
    ("codable", { report, _ in try await benchCodable(&report) }),
    ("single", { report, _ in try await benchSingle(&report) }),
    ("groups", { report, _ in try await benchGroups(&report) }),
    ("linearity", { report, _ in try await benchLinearity(&report) }),
    ("submit", { report, _ in try await benchSubmit(&report) }),
    ("idle", { report, _ in try await benchIdle(&report) }),
    ("memory", { report, _ in try await benchMemory(&report) }),
    ("retention", { report, options in try await benchRetention(&report, chains: options.chains) }),
    ("features", { report, _ in try await benchFeatures(&report) }),
    ("engine", { report, _ in try await benchEngine(&report) }),
  ]

  struct Options {
    var only: [String] = []
    var chains = 100_000

    init(_ words: [String]) throws {
      var words = words[...]
      while let word = words.popFirst() {
        switch word {
        case "--only": continue
        case "--chains":
          guard let count = words.popFirst().flatMap({ Int($0) }), count >= 1_000 else {
            throw BenchError("--chains takes a number, 1,000 or more")
          }
          chains = count
        case let name where parts.contains { $0.name == name }: only.append(name)
        default: throw BenchError("\(word) is no part.\n\(usage)")
        }
      }
    }
  }

  static func main() async {
    do {
      let words = Array(CommandLine.arguments.dropFirst())
      switch words.first {
      case "worker": try await WorkerProgram.run(words.dropFirst())
      case "peer": try await PeerProgram.run(words.dropFirst())
      case "--help", "-h": print(usage)
      default: try await measure(Options(words))
      }
    } catch {
      FileHandle.standardError.write(Data("drawbar-bench ended early: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func measure(_ options: Options) async throws {
    var report = Report()
    for part in parts where options.only.isEmpty || options.only.contains(part.name) {
      try await part.measure(&report, options)
    }
    report.summary()
    if let file = ProcessInfo.processInfo.environment["REPORT"], !file.isEmpty { try report.write(to: file) }
  }
}

struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
