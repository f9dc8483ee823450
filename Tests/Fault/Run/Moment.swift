import Glibc

/// A point in time by two clocks of this machine: one that never jumps, and the one that Redis' times are of.
public struct Moment: Sendable, Equatable {
  /// Microseconds since the machine's start, its sleep included; the same for every process.
  public var boot: Int64
  /// Microseconds since the epoch.
  public var wall: Int64

  public init(boot: Int64, wall: Int64) {
    self.boot = boot
    self.wall = wall
  }

  public static var now: Moment { Moment(boot: read(CLOCK_BOOTTIME), wall: read(CLOCK_REALTIME)) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }
}
