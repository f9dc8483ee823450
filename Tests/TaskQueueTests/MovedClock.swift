import Foundation
import RedisClient
import RedisServer
import TestSupport

@testable import TaskQueue

/// A redis-server whose clock is what a test says: a small library, put before libc's, adds to the time what stands
/// in a file. Its blocked clients see the clock jump as they would on a real machine.
struct MovedClock: Sendable {
  private let file: String

  /// Lends a queue on such a server.
  static func with(_ body: (Queue, MovedClock) async throws -> Void) async throws {
    let directory = "/tmp/drawbar-clock-\(UInt32.random(in: .min ... .max))"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let server = directory + "/server"
    try Data(Self.library.utf8).write(to: URL(filePath: server + ".c"))
    try Data(Self.launcher.utf8).write(to: URL(filePath: server))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: server)
    let clock = MovedClock(file: server + ".ahead")
    try clock.set(ahead: 0)
    var options = RedisServer.Options()
    options.executable = server
    try await RedisServer.run(options: options) { server in
      let redis = RedisClient(server.configuration, logger: quiet)
      do { try await body(Queue(redis: redis), clock) } catch {
        await redis.close()
        throw error
      }
      await redis.close()
    }
  }

  /// Sets the server's clock so many seconds before or behind this machine's.
  func set(ahead seconds: Int64) throws {
    // In one write of a fixed length: the server reads it at any moment.
    let digits = String(repeating: "0", count: 12 - "\(seconds.magnitude)".count) + "\(seconds.magnitude)"
    let handle = try FileHandle(forWritingTo: Self.made(file))
    try handle.write(contentsOf: Data(((seconds < 0 ? "-" : "+") + digits).utf8))
    try handle.close()
  }

  private static func made(_ file: String) -> URL {
    if !FileManager.default.fileExists(atPath: file) {
      _ = FileManager.default.createFile(atPath: file, contents: nil)
    }
    return URL(filePath: file)
  }

  private static let launcher = """
    #!/bin/sh
    "$(command -v cc || command -v clang)" -shared -fPIC -o "$0.so" "$0.c" || exit 1
    AHEAD="$0.ahead" LD_PRELOAD="$0.so" exec redis-server "$@"
    """

  private static let library = """
    #define _GNU_SOURCE
    #include <fcntl.h>
    #include <stdlib.h>
    #include <sys/syscall.h>
    #include <sys/time.h>
    #include <time.h>
    #include <unistd.h>

    static long ahead(void) {
      static int file = -2;
      char text[16] = {0};
      if (file == -2) file = open(getenv("AHEAD"), O_RDONLY | O_CLOEXEC);
      return pread(file, text, 13, 0) == 13 ? atol(text) : 0;
    }

    int gettimeofday(struct timeval *restrict time, void *restrict zone) {
      struct timespec now;
      syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
      time->tv_sec = now.tv_sec + ahead();
      time->tv_usec = now.tv_nsec / 1000;
      return 0;
    }

    time_t time(time_t *out) {
      struct timeval now;
      gettimeofday(&now, 0);
      if (out) *out = now.tv_sec;
      return now.tv_sec;
    }
    """
}
