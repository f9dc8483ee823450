package import Subprocess

extension PlatformOptions {
  /// A process group of its own, which is killed whole where the call that runs it ends early.
  package static var ownProcessGroup: PlatformOptions {
    var options = PlatformOptions()
    options.processGroupID = 0
    // The kill that Subprocess ends every sequence with goes where its last step went: to the whole group.
    options.teardownSequence = [
      .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .milliseconds(50))
    ]
    return options
  }
}
