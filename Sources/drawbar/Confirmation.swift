import ArgumentParser
import Console

/// What can't be taken back is asked for, or said with `--yes`.
struct ConfirmationOptions: ParsableArguments {
  @Flag(name: [.short, .long], help: "Do it without asking.") var yes = false

  /// - Parameter what: a whole question, such as "Forget 3 chains?".
  /// - Throws: ``Stop`` where the answer is no, or nobody is there to be asked.
  func ask(_ what: String, json: Bool) throws {
    if yes { return }
    guard Terminal.standardInputIsInteractive, Terminal.standardError().isInteractive, !json else {
      throw Stop(.refused, "\(what) Nobody is here to be asked: say --yes")
    }
    Terminal.standardError().write("\(what) [y/N] ")
    let answer = readLine(strippingNewline: true)?.lowercased() ?? ""
    guard answer == "y" || answer == "yes" else { throw Stop(.refused, "nothing was changed") }
  }
}
