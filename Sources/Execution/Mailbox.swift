import Foundation

/// A queue between threads. `@unchecked Sendable`: every access holds the condition's lock.
final class Mailbox<Element: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var elements: [Element] = []
    /// Those before it are taken.
    private var first = 0

    func put(_ element: Element) {
        condition.lock()
        elements.append(element)
        condition.broadcast()
        condition.unlock()
    }

    /// Waits until fewer than `limit` elements are inside; drops the element when nobody wants it any more.
    func put(_ element: Element, limit: Int, unless isUnwanted: () -> Bool) {
        condition.lock()
        defer { condition.unlock() }
        while elements.count - first >= limit {
            if isUnwanted() { return }
            _ = condition.wait(until: Date(timeIntervalSinceNow: 0.2))
        }
        elements.append(element)
        condition.broadcast()
    }

    /// The oldest element, waiting for it until `deadline` (seconds since 1970); nil when that passed.
    func take(before deadline: Double) -> Element? {
        condition.lock()
        defer { condition.unlock() }
        while elements.count == first {
            // Foundation traps on dates too far away: wait in pieces.
            let piece = min(deadline, Date().timeIntervalSince1970 + 3600)
            if !condition.wait(until: Date(timeIntervalSince1970: piece)), piece >= deadline { break }
        }
        guard first < elements.count else { return nil }
        let element = elements[first]
        first += 1
        if first >= 64 || first == elements.count {
            elements.removeSubrange(..<first)
            first = 0
        }
        condition.broadcast()
        return element
    }
}

/// A value that threads share. `@unchecked Sendable`: every access holds the lock.
final class Shared<Value: Sendable>: @unchecked Sendable {
    private let lock = NSLock()
    private var stored: Value

    init(_ value: Value) { stored = value }

    var value: Value { update { $0 } }

    func update<Result>(_ change: (inout Value) -> Result) -> Result {
        lock.lock()
        defer { lock.unlock() }
        return change(&stored)
    }
}

/// How often the user asked to stop: once means gracefully, twice means at once. May be pressed from any thread.
package final class StopSwitch: Sendable {
    private let presses = Shared(0)

    package init() {}
    package func press() { presses.update { $0 += 1 } }
    package var count: Int { presses.value }
}
