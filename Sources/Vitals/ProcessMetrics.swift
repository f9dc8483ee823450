#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the system says of this process, under the names that Prometheus' clients agreed on. Where there is
/// no /proc there is none.
enum ProcessMetrics {
  static func collect() -> [MetricFamily] {
    guard let stat = read("/proc/self/stat") else { return [] }
    return families(stat: stat, boot: read("/proc/stat"), openFiles: openFiles())
  }

  /// - Parameters:
  ///   - stat: `/proc/self/stat`: the name in parentheses may hold anything, so fields count from behind it.
  ///   - boot: `/proc/stat`, for the time when the machine came up.
  static func families(stat: String, boot: String?, openFiles: Int?) -> [MetricFamily] {
    guard let name = stat.lastIndex(of: ")") else { return [] }
    let fields = stat[stat.index(after: name)...].split(separator: " ")
    // Numbered from 3, the first behind the name, as in proc(5).
    func field(_ number: Int) -> Double? {
      fields.indices.contains(number - 3) ? Double(fields[number - 3]) : nil
    }
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    var families: [MetricFamily] = []
    if let user = field(14), let system = field(15) {
      families.append(
        MetricFamily(
          "process_cpu_seconds_total", "CPU time that this process has used, in seconds.", .counter,
          [.init(labels: Labels(), value: (user + system) / ticks)]))
    }
    if let pages = field(24) {
      families.append(
        .gauge(
          "process_resident_memory_bytes", "Memory of this process that is in RAM, in bytes.",
          pages * Double(sysconf(Int32(_SC_PAGESIZE)))))
    }
    let booted = boot?.split(separator: "\n").first { $0.hasPrefix("btime ") }
    if let start = field(22), let booted = booted.flatMap({ Double($0.dropFirst(6)) }) {
      families.append(
        .gauge(
          "process_start_time_seconds", "When this process began, in seconds since 1970.",
          booted + start / ticks))
    }
    if let openFiles {
      families.append(.gauge("process_open_fds", "Files and sockets that are open.", Double(openFiles)))
    }
    return families
  }

  private static func openFiles() -> Int? {
    guard let directory = opendir("/proc/self/fd") else { return nil }
    defer { closedir(directory) }
    var count = 0
    while readdir(directory) != nil { count += 1 }
    // `.`, `..`, and the directory that is being read.
    return max(0, count - 3)
  }

  private static func read(_ path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while bytes.count < 1 << 20 {
      let count = fread(&buffer, 1, buffer.count, file)
      guard count > 0 else { break }
      bytes += buffer.prefix(count)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
