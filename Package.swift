// swift-tools-version: 6.2
import PackageDescription

// One set of settings for every target of ours. A misspelt feature is silently off,
// so the list stands here once.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "drawbar",
  platforms: [.macOS(.v15)],
  products: [
    .library(name: "RedisClient", targets: ["RedisClient"]),
    .library(name: "RedisServer", targets: ["RedisServer"]),
    .library(name: "TaskQueue", targets: ["TaskQueue"]),
    .library(name: "Vitals", targets: ["Vitals"]),
    .library(name: "Rollout", targets: ["Rollout"]),
    .library(name: "Fleet", targets: ["Fleet"]),
    .library(name: "Delivery", targets: ["Delivery"]),
    .library(name: "RollEngine", targets: ["RollEngine"]),
    .executable(name: "drawbar", targets: ["drawbar"]),
    .executable(name: "drawbar-worker", targets: ["drawbar-worker"]),
    .executable(name: "drawbar-coordinator", targets: ["drawbar-coordinator"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
    .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    // The queue
    .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]),
    .target(
      name: "RedisClient",
      dependencies: [
        "CHiredis",
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: strict),
    .target(
      name: "RedisServer",
      dependencies: [
        "RedisClient",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .target(
      name: "TaskQueue",
      dependencies: [
        "RedisClient",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Tracing", package: "swift-distributed-tracing"),
      ],
      resources: [.embedInCode("Broker/Lua")],
      swiftSettings: strict),
    .target(
      name: "Vitals",
      dependencies: [
        "RedisClient", "TaskQueue",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),

    // Programs of the machine, as tasks
    .target(
      name: "Processes", dependencies: [.product(name: "Subprocess", package: "swift-subprocess")],
      swiftSettings: strict),
    .target(
      name: "Programs",
      dependencies: ["Processes", "TaskQueue", .product(name: "Logging", package: "swift-log")],
      swiftSettings: strict),

    // The engine
    .target(name: "Rollout", swiftSettings: strict),
    .target(name: "SeededRandom", swiftSettings: strict),
    .target(
      name: "Circuits",
      dependencies: [
        "Rollout", .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .target(name: "Simulation", dependencies: ["Rollout", "SeededRandom"], swiftSettings: strict),
    .executableTarget(
      name: "simulate", dependencies: ["Rollout", "Simulation"], swiftSettings: strict),
    .target(
      name: "Fleet",
      dependencies: ["Circuits", "RedisClient", "Rollout", .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    .target(
      name: "WorkflowFiles",
      dependencies: [
        "Fleet", "Programs", "RedisClient", "Rollout", "TaskQueue", .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    .target(
      name: "Delivery",
      dependencies: [
        "Circuits", "Fleet", "Processes", "Rollout",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: strict),
    .target(
      name: "Workflows",
      dependencies: ["Delivery", "Fleet", "RedisClient", "Rollout", "TaskQueue"],
      path: "Workflows",
      exclude: [
        "README.md", "build-test-publish.yaml", "fleet-health.yaml", "nightly-backup.yaml",
        "rolling-restart.yaml", "run-everywhere.yaml",
      ],
      resources: [.embedInCode("HostScripts")],
      swiftSettings: strict),
    .target(
      name: "RollEngine",
      dependencies: [
        "Circuits", "Delivery", "Fleet", "RedisClient", "Rollout", "TaskQueue", "Workflows",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),

    // The programs
    .target(
      name: "Daemons",
      dependencies: [
        "Circuits", "Fleet", "RedisClient", "TaskQueue", "Vitals",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .target(name: "Console", dependencies: ["Fleet", "Rollout"], swiftSettings: strict),
    .executableTarget(
      name: "drawbar",
      dependencies: [
        "Circuits", "Console", "Daemons", "Delivery", "Fleet", "Programs", "RedisClient", "RedisServer",
        "RollEngine",
        "Rollout", "TaskQueue", "Vitals", "WorkflowFiles", "Workflows",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "drawbar-worker",
      dependencies: [
        "Circuits", "Daemons", "Delivery", "Fleet", "Programs", "TaskQueue", "Workflows",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Workers/worker",
      swiftSettings: strict),
    .executableTarget(
      name: "drawbar-coordinator",
      dependencies: [
        "Daemons", "Delivery", "Fleet", "RollEngine", "TaskQueue",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Workers/coordinator",
      swiftSettings: strict),

    // The demo: an app, a fleet of it behind a real HAProxy, and the story told on them
    .executableTarget(
      name: "demo-app",
      dependencies: [
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Examples/demo-app",
      swiftSettings: strict),
    // A worker with tasks of its own
    .executableTarget(
      name: "thumbnails",
      dependencies: ["TaskQueue", "Vitals"],
      path: "Examples/thumbnails",
      swiftSettings: strict),
    .target(
      name: "DemoFleet",
      dependencies: [
        "Delivery", "Fleet", "Rollout", "Workflows",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      path: "Examples/DemoFleet",
      swiftSettings: strict),
    .executableTarget(
      name: "demo",
      dependencies: [
        "Console", "DemoFleet", "Delivery", "Fleet", "RedisClient", "RedisServer", "RollEngine", "Rollout",
        "TaskQueue",
        "Workflows",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      path: "Examples/demo",
      swiftSettings: strict),

    // Tests: a folder for each module, and what spans them
    .target(
      name: "TestSupport",
      dependencies: [
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      path: "Tests/Support",
      swiftSettings: strict),
    .testTarget(
      name: "RedisClientTests", dependencies: ["RedisClient", "RedisServer"],
      swiftSettings: strict),
    .testTarget(
      name: "TaskQueueTests", dependencies: ["RedisServer", "SeededRandom", "TaskQueue", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "VitalsTests",
      dependencies: [
        "RedisClient", "RedisServer", "TaskQueue", "TestSupport", "Vitals",
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ], swiftSettings: strict),
    .testTarget(
      name: "ProgramsTests",
      dependencies: [
        "Processes", "Programs", "RedisClient", "RedisServer", "TaskQueue", "TestSupport",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "WorkflowFilesTests",
      dependencies: [
        "Fleet", "Programs", "RedisClient", "RedisServer", "Rollout", "TaskQueue", "WorkflowFiles",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "RolloutTests", dependencies: ["Rollout", "SeededRandom", "Simulation"], swiftSettings: strict),
    .testTarget(
      name: "CircuitsTests",
      dependencies: [
        "Circuits", "Rollout", "SeededRandom", "TestSupport", "Vitals",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .testTarget(
      name: "FleetTests",
      dependencies: [
        "Circuits", "Fleet", "RedisClient", "RedisServer", "Rollout", "SeededRandom", "TestSupport",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .testTarget(
      name: "ConsoleTests", dependencies: ["Console", "Rollout"], swiftSettings: strict),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "Circuits", "demo", "demo-app", "drawbar", "drawbar-coordinator", "drawbar-worker", "Fleet",
        "RedisClient", "RedisServer", "Rollout", "TaskQueue", "TestSupport", "thumbnails",
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ], swiftSettings: strict),
    .testTarget(
      name: "DeliveryTests",
      dependencies: [
        "Circuits", "Delivery", "DemoFleet", "Fleet", "Processes", "RedisClient", "RedisServer", "Rollout",
        "TaskQueue", "TestSupport", "Workflows",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "Subprocess", package: "swift-subprocess"),
      ],
      swiftSettings: strict),
    .testTarget(
      name: "RollEngineTests", dependencies: ["RollEngine", "RedisServer", "TestSupport"],
      swiftSettings: strict),
    // The fault run: real workers, a real redis-server, and everything that may break
    .target(
      name: "FaultRun", dependencies: ["SeededRandom"], path: "Tests/Fault/Run", swiftSettings: strict),
    .executableTarget(
      name: "fault-worker",
      dependencies: [
        "FaultRun", "RedisClient", "TaskQueue",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ],
      path: "Tests/Fault/Program",
      swiftSettings: strict),
    .testTarget(
      name: "FaultTests",
      dependencies: [
        "FaultRun", "RedisClient", "RedisServer", "SeededRandom", "TaskQueue", "TestSupport", "fault-worker",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Tests/Fault",
      exclude: ["Program", "Run"],
      swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests",
      dependencies: [
        "Delivery", "DemoFleet", "Fleet", "RedisClient", "RedisServer", "RollEngine", "Rollout", "TaskQueue",
        "TestSupport", "demo-app", "drawbar-coordinator", "drawbar-worker",
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/EndToEnd",
      swiftSettings: strict),
  ]
)
