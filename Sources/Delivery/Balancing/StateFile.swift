/// The file that HAProxy reads its servers' states from when it starts. Whoever changes a state writes it anew.
///
/// The states are asked for under the lock, after the change: so the last to write has seen every change that
/// was made before, whoever made it.
struct StateFile: Sendable {
  let path: String

  /// - Throws: ``DeliveryFailure`` (`loadBalancer`) where it can't be asked or written.
  func keep(_ api: RuntimeAPI) async throws {
    do {
      try await FileLock.hold("\(path).lock", within: .seconds(10), what: "HAProxy's state file \(path)") {
        let states = try await api.ask(.states)
        // A version, names and rows; anything else would keep HAProxy from reading the rest.
        guard states.hasPrefix("1"), states.contains("# be_id") else {
          throw DeliveryFailure(
            .loadBalancer, "HAProxy does not tell its servers' states; it answered \"\(states.prefix(80))\"")
        }
        try await Disk.offloaded { try Disk.replace(path, with: Array(states.utf8)) }
      }
    } catch let error as DiskError {
      throw DeliveryFailure(
        .loadBalancer,
        "HAProxy's state file can't be written: \(error); let this user write it, or leave stateFile out")
    }
  }
}
