import Foundation
import Rollout
import Simulation

// `simulate [RELEASES [FIRST-SEED]]` and `simulate large [SERVERS…]`: what `make simulate` prints.

func memory() -> Int {
  let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
  let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM") }
  return (line?.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first).flatMap { Int($0) } ?? 0
}

/// Seconds of processor time: unlike the clock's, they don't tell what else the machine does.
func processorTime() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

func wild(_ releases: UInt64, from first: UInt64) throws {
  let begun = processorTime()
  var ends: [String: Int] = [:]
  var (decisions, deaths, refused, rolledBack) = (0, 0, 0, 0)
  for seed in first..<(first + releases) {
    var simulation = Simulation(try .wild(seed))
    do {
      let outcome = try simulation.run()
      ends[outcome.end.rawValue, default: 0] += 1
      decisions += outcome.decisions
      deaths += outcome.deaths
      refused += outcome.refusedCommits
      rolledBack += outcome.rolledBack ? 1 : 0
    } catch {
      print(error)
      exit(1)
    }
  }
  let seconds = processorTime() - begun
  print(
    "\(releases) releases in \(String(format: "%.1f", seconds)) s of one core:",
    "\(Int(Double(releases) / seconds * 60)) a minute, \(decisions) decisions, \(deaths) deaths,",
    "\(refused) commits refused, \(rolledBack) rolled back by policy;",
    ends.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
}

func large(_ servers: Int) throws {
  let begun = processorTime()
  var simulation = Simulation(try .large(servers, seed: 1))
  let outcome = try simulation.run()
  let seconds = processorTime() - begun
  print(
    "\(servers) servers: \(outcome.end.rawValue) in \(String(format: "%.2f", seconds)) s of one core,",
    "\(String(format: "%.1f", seconds * 1e6 / Double(servers))) µs a server, \(outcome.decisions) decisions,",
    "\(outcome.steps) steps, \(outcome.simulated / 60_000) simulated minutes, at most \(memory() / 1_024) MiB"
  )
}

let arguments = Array(CommandLine.arguments.dropFirst())
do {
  if arguments.first == "large" {
    for servers in arguments.dropFirst().compactMap({ Int($0) }) { try large(servers) }
  } else {
    try wild(
      arguments.first.flatMap { UInt64($0) } ?? 10_000,
      from: arguments.dropFirst().first.flatMap { UInt64($0) } ?? 0)
  }
} catch {
  print(error)
  exit(1)
}
