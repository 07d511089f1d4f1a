import Documents
import Foundation
import GRDB
import Testing
import TrialStore
import Trials

/// One writer a study: by its lock, and where that is lost by its token.
@Suite struct StudyOwnershipTests {
    private func inFolder(_ body: (String) throws -> Void) throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("halcyon-owner-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try body(directory)
    }

    private func paused(_ reason: String) -> StudyCommit { StudyCommit(records: [StudyRecord(at: 1, fact: .paused(reason: reason))]) }

    @Test func oneThatWasTakenOverCannotWrite() throws {
        try inFolder { directory in
            var stores: [StudyStore] = []
            for number in 1...4 {
                // The lock file is removed under its owner, so each of them holds "the" lock.
                let lock = try StudyLock(directory: directory)
                defer { withExtendedLifetime(lock) {} }
                try FileManager.default.removeItem(atPath: directory + "/lock")
                stores.append(try StudyStore(directory: directory))
                #expect(stores.map(\.token) == Array(1...number))
                try stores[number - 1].append(paused("by \(number)"))
                for old in stores.dropLast() {
                    let error = #expect(throws: StudyTakenOver.self) { try old.append(paused("by one that was taken over")) }
                    #expect(error?.owner.contains("process \(ProcessInfo.processInfo.processIdentifier) on ") == true)
                }
            }
            #expect(try stores[3].records().map(\.fact) == (1...4).map { .paused(reason: "by \($0)") })
            let owners = try DatabaseQueue(path: directory + "/study.sqlite").read {
                try String.fetchAll($0, sql: "SELECT owner FROM controllers ORDER BY token")
            }
            #expect(owners.count == 4 && owners.allSatisfy { $0.contains(" since 20") })
        }
    }

    @Test func theRefusedOneIsToldWhoAndSinceWhenAndTouchesNothing() throws {
        try inFolder { directory in
            let lock = try StudyLock(directory: directory)
            let words = try String(contentsOfFile: directory + "/lock", encoding: .utf8)
            let error = #expect(throws: InputError.self) { try StudyLock(directory: directory) }
            for part in [directory, "process \(ProcessInfo.processInfo.processIdentifier) on ", " since 20", "wait for it or stop it"] {
                #expect(error?.description.contains(part) == true)
            }
            #expect(try String(contentsOfFile: directory + "/lock", encoding: .utf8) == words)
            withExtendedLifetime(lock) {}
        }
    }

    /// A process loses its locks of a file with any descriptor of it that it closes. Without them a reader from outside deletes the log of writes
    /// when it closes, and what the store writes from then on is lost with its process.
    @Test(arguments: ["looks", "examines", "reads"]) func readingItsOwnStudyLeavesTheStoreItsLocks(_ way: String) throws {
        try inFolder { directory in
            let path = directory + "/study.sqlite"
            let store = try StudyStore(directory: directory)
            try store.append(paused("before"))
            switch way {
            case "examines": try StudyStore(directory: directory).close()
            case "reads": #expect(try StudyReader(directory: directory).records().count == 1)
            default: break
            }
            // What a lock of another owner would meet, which locks of open file descriptions are even in this process.
            let descriptor = open(path, O_RDWR)
            try #require(descriptor >= 0)
            var wanted = flock()
            wanted.l_type = Int16(F_WRLCK)
            #expect(fcntl(descriptor, 36 /* F_OFD_GETLK */, &wanted) == 0)
            #expect(wanted.l_type != Int16(F_UNLCK), "another process may delete the log of writes")
            close(descriptor)
            withExtendedLifetime(store) {}
        }
    }

    /// A lock whose owner is gone is free, whatever its file says.
    @Test func aStaleLockIsTakenOver() throws {
        try inFolder { directory in
            let long = "process 1 on a-host-with-a-name-that-is-much-longer-than-ours since 2020-01-01T00:00:00Z and more words"
            try long.write(toFile: directory + "/lock", atomically: true, encoding: .utf8)
            let lock = try StudyLock(directory: directory)
            let words = try String(contentsOfFile: directory + "/lock", encoding: .utf8)
            #expect(words.hasPrefix("process \(ProcessInfo.processInfo.processIdentifier) on ") && !words.contains("more words"))
            withExtendedLifetime(lock) {}
        }
    }
}
