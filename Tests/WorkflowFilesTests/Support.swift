import Fleet
import Testing
import WorkflowFiles

/// Every problem of a file, as it is told.
func problems(_ yaml: String) -> [String] {
  let error = #expect(throws: InvalidFile.self) { try WorkflowFile.parse(yaml, file: "w.yaml") }
  return error?.problems.map(\.description) ?? []
}

/// What is wrong with one step, without its file and line.
func problem(_ step: String) -> [String] {
  let yaml = "workflow: w\nparams: { name: x, hosts: { type: list, default: [a] } }\nsteps:\n  - \(step)\n"
  return problems(yaml).map { $0.replacing("w.yaml:", with: "") }
}

let servers = (1...8).map {
  InventoryServer(
    host: "web-\($0)", address: "10.0.0.\($0)", port: 80, site: "ams", directory: "/srv/web-\($0)")
}

func surroundings(_ set: [String: String] = [:], files: [String: String] = [:]) -> Surroundings {
  Surroundings(
    id: "w-1", directory: "/etc/flows", parameters: set,
    inventory: { $0 == "shop" ? servers : nil }, inventories: { ["shop", "mail"] },
    read: { path in
      guard let text = files[path] else { throw NoFile(path: path) }
      return text
    })
}

struct NoFile: Error, CustomStringConvertible {
  let path: String
  var description: String { "can't read \(path)" }
}

func fill(
  _ yaml: String, _ set: [String: String] = [:], files: [String: String] = [:]
) async throws -> Workflow {
  try await WorkflowFile.parse(yaml, file: "w.yaml").filled(surroundings(set, files: files))
}
