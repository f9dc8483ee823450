import FoundationEssentials
import TaskQueue

/// Shows thumbnails on one page, beside them.
struct Gallery: QueueTask {
  static let name = "thumbnail.gallery"

  func run(_ thumbnails: [String], _ context: TaskContext) async throws -> Nothing {
    let page = thumbnails.map { #"<img src="\#(URL(filePath: $0).lastPathComponent)">"# + "\n" }.joined()
    try Data(page.utf8).write(to: URL(filePath: thumbnails[0] + ".html"), options: .atomic)
    context.log("\(thumbnails.count) thumbnails are on the page")
    return Nothing()
  }
}
