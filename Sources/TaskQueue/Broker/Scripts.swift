import RedisClient

/// The scripts, each with the shared parts that it uses put before it.
///
/// What a script does, takes and returns stands in the header of its file.
enum Scripts {
  /// For chains of all kinds.
  static let submit = script("submit", with: making, PackageResources.submit_lua)
  /// For chains that wait for nothing and have no rare fields: the same in half the time, where they come one by one.
  static let submitPlain = script(
    "submit_plain", with: PackageResources.common_lua, PackageResources.basics_lua,
    PackageResources.newcomers_lua, PackageResources.submit_lua)
  static let stage = script("stage", with: making, PackageResources.stage_lua)
  static let commit = script(
    "commit", with: making, PackageResources.cancel_lua, PackageResources.limit_lua,
    PackageResources.commit_lua)
  static let halt = script("halt", with: moving, PackageResources.cancel_lua, PackageResources.halt_lua)
  static let requeue = script("requeue", with: making, PackageResources.requeue_lua)

  static let planSchedule = script(
    "plan_schedule", with: moving, PackageResources.schedule_lua, PackageResources.plan_schedule_lua)
  static let dueSchedules = script(
    "due_schedules", with: moving, PackageResources.schedule_lua, PackageResources.due_schedules_lua)
  static let fireSchedule = script(
    "fire_schedule", with: making, PackageResources.schedule_lua, PackageResources.fire_schedule_lua)
  static let changeSchedule = script(
    "change_schedule", with: moving, PackageResources.schedule_lua, PackageResources.change_schedule_lua)

  static let hello = script("hello", with: PackageResources.common_lua, PackageResources.hello_lua)
  static let complete = script(
    "complete", with: moving, PackageResources.grant_lua, PackageResources.complete_lua)
  static let beat = script(
    "beat", with: moving, PackageResources.grant_lua, PackageResources.recover_lua,
    PackageResources.cancel_lua, PackageResources.drop_lua, PackageResources.beat_lua)
  static let bye = script("bye", with: moving, PackageResources.recover_lua, PackageResources.bye_lua)
  static let reap = script("reap", with: moving, PackageResources.recover_lua, PackageResources.reap_lua)
  static let audit = script("audit", with: moving, PackageResources.recover_lua, PackageResources.audit_lua)
  static let note = script(
    "note", with: PackageResources.common_lua, PackageResources.basics_lua, PackageResources.chain_lua,
    PackageResources.note_lua)
  static let look = script(
    "look", with: PackageResources.common_lua, PackageResources.basics_lua, PackageResources.chain_lua,
    PackageResources.look_lua)
  static let tell = script("tell", with: PackageResources.common_lua, PackageResources.tell_lua)

  /// The script for chains told of in these arguments.
  static func submit(_ chains: [RedisArgument]) -> RedisScript {
    for at in stride(from: 0, to: chains.count, by: 4) {
      guard case .string(let words) = chains[at + 1], words.hasSuffix(" 0"), chains[at + 3] == "" else {
        return submit
      }
    }
    return submitPlain
  }

  /// What a chain is, where it waits, how it ends, and how it goes from link to link.
  private static let moving =
    PackageResources.common_lua + PackageResources.basics_lua + PackageResources.chain_lua
    + PackageResources.lanes_lua + PackageResources.ending_lua + PackageResources.moving_lua
  private static let making = moving + PackageResources.newcomers_lua + PackageResources.create_lua

  private static func script(_ name: String, with parts: [UInt8]...) -> RedisScript {
    RedisScript(name: name, source: String(decoding: parts.joined(), as: UTF8.self))
  }
}
