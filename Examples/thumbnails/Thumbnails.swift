import TaskQueue
import Vitals

struct Shrink: QueueTask {
  struct Input: Codable { var picture: String, width: Int }
  static let name = "thumbnail.shrink"

  func run(_ input: Input, _ context: TaskContext) async throws -> String {
    let thumbnail = "\(input.picture).\(input.width).pgm"
    try Picture(contentsOf: input.picture).shrunk(to: input.width).write(to: thumbnail)
    return thumbnail
  }

  // Which errors are worth another try? A picture may still be on its way here; a broken one stays broken.
  func judge(_ error: any Error, attempt: Int) -> TaskFailure.Retry {
    error is Picture.Missing ? .after(.milliseconds(250)) : .never
  }
}

@main struct Thumbnails: WorkerProgram {
  static func run() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 1 else { return print("usage: thumbnails REDIS-URL [PICTURE.pgm ...]") }
    let queue = try Queue(url: arguments[1])
    if arguments.count > 2 { return try await submit(arguments[2...], to: queue) }
    try await queue.serve(TaskRegistry(Shrink(), Gallery()), http: "0")  // On any free port.
  }
}
