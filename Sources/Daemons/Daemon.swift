public import ArgumentParser
import Foundation

/// A program that runs until it is told to stop. Options that it can't use end it with status 2, before it
/// has touched anything; whatever stops it later is status 1.
///
/// ```swift
/// static func main() async { await launch() }
/// ```
public protocol Daemon: AsyncParsableCommand {}

extension Daemon {
  /// Parses the arguments and runs the program.
  public static func launch() async {
    do {
      var command = try parseAsRoot()
      // Else it is the command behind --help.
      if var daemon = command as? Self { try await daemon.run() } else { try command.run() }
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      FileHandle.standardError.write(Data((fullMessage(for: error) + "\n").utf8))
      exit(withError: ExitCode(2))
    }
  }
}

extension ValidationError {
  /// Checks an option's value, and names the option in what is thrown.
  public static func check(_ option: String, _ body: () throws -> Void) throws {
    do { try body() } catch { throw ValidationError("\(option): \(error)") }
  }

  public static func check(_ value: Int, in range: ClosedRange<Int>, _ option: String) throws {
    guard range.contains(value) else {
      throw ValidationError(
        "\(option) must be \(range.lowerBound) to \(range.upperBound), not \(value)")
    }
  }
}
