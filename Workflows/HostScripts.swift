/// The scripts that stop and start an app on its host.
///
/// The defaults are the files in `HostScripts/`, carried in the program. A group that brings a script of the
/// same name uses its own instead. A deployment freezes their content, so they travel in ``StageInput``.
public enum HostScripts {
  /// The defaults, by name.
  public static let defaults: [String: String] = [
    "start": text(PackageResources.start_sh),
    "stop": text(PackageResources.stop_sh),
  ]

  /// The defaults, with a group's own over them.
  public static func all(with own: [String: String]) -> [String: String] {
    defaults.merging(own) { _, theirs in theirs }
  }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
