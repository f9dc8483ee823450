// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who uses Drawbar builds it.
let package = Package(
  name: "drawbar-benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    .package(name: "drawbar", path: ".."),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
    .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2"),
  ],
  targets: [
    .executableTarget(
      name: "drawbar-bench",
      dependencies: [
        .product(name: "CoreMetrics", package: "swift-metrics"),
        .product(name: "Delivery", package: "drawbar"),
        .product(name: "Fleet", package: "drawbar"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "RedisClient", package: "drawbar"),
        .product(name: "RedisServer", package: "drawbar"),
        .product(name: "RollEngine", package: "drawbar"),
        .product(name: "Rollout", package: "drawbar"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "Subprocess", package: "swift-subprocess"),
        .product(name: "TaskQueue", package: "drawbar"),
      ],
      swiftSettings: [
        .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
      ])
  ]
)
