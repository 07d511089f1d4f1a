import Foundation

/// Time as a parameter: seconds since 1970.
package protocol Clock: Sendable {
    var now: Double { get }
}

/// The machine's own clock.
package struct WallClock: Clock {
    package init() {}
    package var now: Double { Date().timeIntervalSince1970 }
}
