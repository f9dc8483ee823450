import Fleet
import TaskQueue
import WorkflowFiles

/// A workflow's file as a command names it, with the values of `--set`.
struct WorkflowSource {
  let file: String
  let values: [String]

  func parsed() throws -> WorkflowFile { try WorkflowFile.parse(try Files.text(file), file: file) }

  func parameters() throws -> [String: String] {
    var all: [String: String] = [:]
    for value in values {
      guard let equals = value.firstIndex(of: "="), equals != value.startIndex else {
        throw Stop(.refused, "--set '\(value)' has no name and value; write --set name=value")
      }
      let name = String(value[..<equals])
      guard all.updateValue(String(value[value.index(after: equals)...]), forKey: name) == nil else {
        throw Stop(.refused, "--set \(name) is given twice; give it once")
      }
    }
    return all
  }

  /// The same for the same file and values, wherever the file is: FNV-1a, since nobody has a reason to forge it.
  func digest() throws -> String {
    let given = try parameters().sorted { $0.key < $1.key }.map { "\u{0}\($0.key)=\($0.value)" }
    let hash = (try Files.text(file) + given.joined()).utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01B3
    }
    return String(hash, radix: 36)
  }

  /// - Parameters:
  ///   - id: what `${workflow.id}` stands for.
  ///   - fleet: whom groups are asked of.
  func surroundings(_ id: String, _ parameters: [String: String], _ fleet: FleetStore?) -> Surroundings {
    Surroundings(
      id: id, directory: Files.directory(of: file), parameters: parameters,
      inventory: { name in try await fleet?.group(name).map { InventoryServer.all(of: $0.group) } },
      inventories: { try await fleet?.names() ?? [] }, read: { try Files.text($0) })
  }
}
