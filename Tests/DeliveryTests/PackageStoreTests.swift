import FoundationEssentials
import Rollout
import Subprocess
import TestSupport
import Testing

@testable import Delivery

@Suite struct PackageStoreTests {
  private func archive(_ directory: String, _ files: [String: String], name: String = "a") async throws
    -> String
  {
    let folder = "\(directory)/src-\(UInt32.random(in: 0 ... .max))"
    for (path, text) in files { try write(text, to: "\(folder)/\(path)", executable: path == "run") }
    let file = "\(directory)/\(name)-\(UInt32.random(in: 0 ... .max)).tar.gz"
    let made = try await run(
      .name("tar"), arguments: ["czf", file, "--mtime=@0", "-C", folder, "."], output: .discarded)
    #expect(made.terminationStatus.isSuccess)
    return file
  }

  @Test func aVersionIsPublishedOnceAndNeverChanges() async throws {
    try await withDirectory { directory in
      let store = PackageStore(directory: "\(directory)/store")
      let one = try await archive(directory, ["run": "1"])
      let published = try await store.publish(app: "shop", version: "1.0+a", archive: one)
      #expect(try await store.publish(app: "shop", version: "1.0+a", archive: one) == published)
      #expect(try store.locate(app: "shop", version: "1.0+a") == published)

      let two = try await archive(directory, ["run": "2"])
      let error = await #expect(throws: PackageError.self) {
        try await store.publish(app: "shop", version: "1.0+a", archive: two)
      }
      guard case .differs(_, _, let before, let given) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(before == published.sha256)
      #expect(given != before && given.count == 64)
      #expect(try store.locate(app: "shop", version: "1.0+a") == published)
    }
  }

  @Test func whatUnpacksToTooMuchIsRefusedBeforeItIsUnpacked() async throws {
    try await withDirectory { directory in
      var store = PackageStore(directory: "\(directory)/store")
      store.unpackedLimit = 1 << 20
      let bomb = try await archive(
        directory, ["run": "1", "zeros": String(repeating: "0", count: 2 << 20)])
      #expect(try Data(contentsOf: URL(filePath: bomb)).count < 1 << 14)
      let error = await #expect(throws: PackageError.self) {
        try await store.publish(app: "shop", version: "1", archive: bomb)
      }
      #expect(
        error
          == .notAPackage(
            archive: bomb, reason: "it unpacks to more than 1048576 bytes, the most that is taken"))
      #expect(try Disk.names(in: "\(directory)/store/shop").isEmpty)
      store.unpackedLimit = 3 << 20
      _ = try await store.publish(app: "shop", version: "1", archive: bomb)
    }
  }

  @Test func whatKilledPublishersLeftIsRemovedWhenItIsOld() async throws {
    try await withDirectory { directory in
      let store = PackageStore(directory: "\(directory)/store")
      for (name, minutes) in [
        ("shop/.incoming-old", 121.0), ("shop/.incoming-young", 119), ("other/.incoming-old", 121),
      ] {
        let left = "\(directory)/store/\(name)"
        try write("half", to: "\(left)/archive.tree/run")
        try FileManager.default.setAttributes(
          [.modificationDate: Date(timeIntervalSinceNow: -60 * minutes)], ofItemAtPath: left)
      }
      let one = try await archive(directory, ["run": "1"])
      _ = try await store.publish(app: "shop", version: "1", archive: one)
      #expect(
        try Disk.names(in: "\(directory)/store/shop").sorted() == [
          ".incoming-young", ".lock", "1.json", "1.tar.gz",
        ])
      #expect(try Disk.names(in: "\(directory)/store/other") == [".incoming-old"])
    }
  }

  @Test func aFullStoreIsNotTheArchivesFault() {
    let full = PackageStore.refusal(of: DiskError("write", "/store/shop/x", 28), copying: "/tmp/a.tar.gz")
    #expect(full == .store(path: "/store/shop/x", reason: "/store/shop/x: No space left on device"))
    let unreadable = PackageStore.refusal(of: DiskError("read", "/tmp/a.tar.gz", 5), copying: "/tmp/a.tar.gz")
    #expect(unreadable == .notAPackage(archive: "/tmp/a.tar.gz", reason: "/tmp/a.tar.gz: Input/output error"))
    #expect(Archive.blame(for: "tar: run: Cannot write: No space left on device") == .unreachable)
    #expect(Archive.blame(for: "tar: This does not look like a tar archive") == .input)
  }

  @Test func manyPublishersAtOnceAgree() async throws {
    try await withDirectory { directory in
      let archives = [
        try await archive(directory, ["run": "1"]), try await archive(directory, ["run": "2"]),
      ]
      let digests = try await withThrowingTaskGroup(of: String?.self) { group in
        for number in 0..<8 {
          group.addTask {
            // A store of its own, as another process would have.
            let store = PackageStore(directory: "\(directory)/store")
            do {
              return try await store.publish(app: "a", version: "1", archive: archives[number % 2]).sha256
            } catch PackageError.differs { return nil }
          }
        }
        return try await group.reduce(into: Set<String>()) { if let digest = $1 { $0.insert(digest) } }
      }
      #expect(digests.count == 1)
    }
  }

  @Test func anUnknownVersionIsToldWithThoseThereAre() async throws {
    try await withDirectory { directory in
      let store = PackageStore(directory: directory)
      _ = try await store.publish(
        app: "shop", version: "1", archive: archive(directory, ["run": "1"]), at: 1)
      _ = try await store.publish(
        app: "shop", version: "2", archive: archive(directory, ["run": "2"]), at: 2)
      #expect(try store.versions(app: "shop").map(\.version) == ["2", "1"])
      #expect(try store.versions(app: "other").isEmpty)
      #expect(throws: PackageError.unknown(app: "shop", version: "3", published: ["2", "1"])) {
        try store.locate(app: "shop", version: "3")
      }
    }
  }

  @Test(arguments: [
    ("../x", "1"), ("shop", "../1"), ("shop", "a/b"), ("", "1"), ("shop", ".hidden"), ("a b", "1"),
  ])
  func namesThatCouldLeadElsewhereAreRefused(app: String, version: String) async throws {
    try await withDirectory { directory in
      let file = try await archive(directory, ["run": "1"])
      let store = PackageStore(directory: "\(directory)/store")
      let error = await #expect(throws: PackageError.self) {
        try await store.publish(app: app, version: version, archive: file)
      }
      guard case .invalidName = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(!FileManager.default.fileExists(atPath: "\(directory)/store"))
    }
  }

  @Test func whatIsNoPackageIsRefused() async throws {
    try await withDirectory { directory in
      let store = PackageStore(directory: "\(directory)/store")
      try write("plain text", to: "\(directory)/text.tar.gz")
      let noRun = try await archive(directory, ["walk": "1"])
      for file in ["\(directory)/absent.tar.gz", "\(directory)/text.tar.gz", noRun] {
        let error = await #expect(throws: PackageError.self) {
          try await store.publish(app: "shop", version: "1", archive: file)
        }
        guard case .notAPackage(let named, _) = error else {
          Issue.record("\(String(describing: error))")
          return
        }
        #expect(named == file)
      }
      #expect(try store.versions(app: "shop").isEmpty)
    }
  }

  /// Archives made by hand-written tar options, since a kind tar would not make them.
  @Test(arguments: ["absolute", "parent", "link", "link by way of a parent"])
  func anArchiveThatReachesOutsideIsRefused(kind: String) async throws {
    try await withDirectory { directory in
      let folder = "\(directory)/src"
      try write("x", to: "\(folder)/run", executable: true)
      try write("secret", to: "\(directory)/outside")
      var arguments = ["czf", "\(directory)/bad.tar.gz", "--absolute-names", "-C", folder, "run"]
      switch kind {
      case "absolute": arguments.append("\(directory)/outside")
      case "parent": arguments.append("../outside")
      case "link":
        try FileManager.default.createSymbolicLink(
          atPath: "\(folder)/out", withDestinationPath: "\(directory)/outside")
        arguments.append("out")
      default:
        try FileManager.default.createSymbolicLink(
          atPath: "\(folder)/out", withDestinationPath: "./a/../../outside")
        arguments.append("out")
      }
      _ = try await run(.name("tar"), arguments: Arguments(arguments), output: .discarded)
      try write("untouched", to: "\(directory)/outside")
      let store = PackageStore(directory: "\(directory)/store")
      let error = await #expect(throws: PackageError.self) {
        try await store.publish(app: "shop", version: "1", archive: "\(directory)/bad.tar.gz")
      }
      #expect("\(error!)".contains("is not a package"))
      #expect(try text(of: "\(directory)/outside") == "untouched")
    }
  }

  @Test func aCorruptArchiveIsAChecksumFailure() async throws {
    try await withDirectory { directory in
      let store = PackageStore(directory: "\(directory)/store")
      let file = try await archive(directory, ["run": "1"])
      let package = try await store.publish(app: "shop", version: "1", archive: file)
      try await store.fetch(package.reference, into: "\(directory)/good")
      try write("something else", to: "\(directory)/store/shop/1.tar.gz")
      let failure = try await failure {
        try await store.fetch(package.reference, into: "\(directory)/copy")
      }
      #expect(failure.code == .checksum)
      #expect(failure.message.contains(package.sha256))
      #expect(!FileManager.default.fileExists(atPath: "\(directory)/copy"))
    }
  }

  @Test func aVersionCanBeMarkedBad() async throws {
    try await withDirectory { directory in
      let store = PackageStore(directory: directory)
      let file = try await archive(directory, ["run": "1"])
      _ = try await store.publish(app: "shop", version: "1", archive: file)
      let marked = try await store.markBad(app: "shop", version: "1", by: "ann", reason: "leaks")
      #expect(marked.bad?.reason == "leaks")
      #expect(try store.locate(app: "shop", version: "1") == marked)
      #expect(try await store.publish(app: "shop", version: "1", archive: file) == marked)
      await #expect(throws: PackageError.self) {
        try await store.markBad(app: "shop", version: "2", by: "ann", reason: "leaks")
      }
    }
  }
}
