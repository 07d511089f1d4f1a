import Foundation

/// A queue between threads. `@unchecked Sendable`: every access holds the condition's lock.
final class Mailbox<Element: Sendable>: @unchecked Sendable {
    private let condition = NSCondition()
    private var elements: [Element] = []

    func put(_ element: Element) {
        condition.lock()
        elements.append(element)
        condition.signal()
        condition.unlock()
    }

    /// The oldest element, waiting for it until `deadline` (seconds since 1970); nil when that passed.
    func take(before deadline: Double) -> Element? {
        condition.lock()
        defer { condition.unlock() }
        while elements.isEmpty {
            guard condition.wait(until: Date(timeIntervalSince1970: deadline)) else { break }
        }
        return elements.isEmpty ? nil : elements.removeFirst()
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
