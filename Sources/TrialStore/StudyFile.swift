import Documents
import Foundation
import GRDB

/// `DIR/study.sqlite`: where it is, whether it can be read, and errors in the reader's words.
enum StudyFile {
    static func path(_ directory: String) -> String { directory + "/study.sqlite" }

    /// A file of at most so many bytes is checked whole on opening; in a larger one, only what a controller reads first. The
    /// log of any study is checked as it is read, and `halcyon study check` looks at everything.
    private static let wholeCheckBytes = 64 << 20

    /// Looks whether the file can be read, without opening it: the system drops a process's locks of a file as soon as that process closes
    /// any descriptor of it. A controller draws pictures from its own file; without its locks, the next reader from outside would
    /// believe itself alone and, closing, delete the log of writes that the controller goes on writing to.
    static func check(_ path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw InputError(file: path, "no such file", hint: "name the folder of a study")
        }
        guard isRegularFile(path), FileManager.default.isReadableFile(atPath: path) else {
            throw InputError(file: path, "cannot be read", hint: "expected a study's file: check its permissions")
        }
    }

    static func check(version: Int, _ path: String) throws {
        guard version <= StudySchema.version else {
            throw InputError(
                file: path, "has version \(version) of the format, this program knows \(StudySchema.version)",
                hint: "use a newer release of halcyon")
        }
    }

    /// Opens the file for reading only, so that one that is not ours or too new is left untouched.
    static func openForReading(_ path: String) throws -> DatabaseQueue {
        try check(path)
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        return try naming(path) {
            let database = try DatabaseQueue(path: path, configuration: configuration)
            try check(version: database.read { try version($0) }, path)
            return database
        }
    }

    static func version(_ db: Database) throws -> Int { try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0 }

    /// Refuses a file that is damaged or another program's, before anything is written to it.
    static func examine(_ path: String) throws {
        let database = try openForReading(path)
        defer { try? database.close() }
        try naming(path) {
            try database.read { db in
                if try version(db) == 0 {
                    guard try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0 else {
                        throw InputError(
                            file: path, "is not a study: it has tables of another program", hint: "name the folder of a study")
                    }
                    return
                }
                let size = try Int.fetchOne(db, sql: "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()") ?? 0
                let tables = try String.fetchAll(
                    db, sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('pareto_front', 'environments', 'controllers')")
                let checks = size <= wholeCheckBytes ? ["PRAGMA quick_check(1)"] : tables.map { "PRAGMA quick_check(\($0))" }
                for check in checks {
                    guard let found = try String.fetchOne(db, sql: check), found != "ok" else { continue }
                    throw damaged(path, found)
                }
            }
        }
    }

    static func damaged(_ path: String, _ what: String) -> InputError {
        InputError(
            file: path, "is damaged: \(what)", hint: "`halcyon study check` tells more; restore the file from a backup")
    }

    /// Turns SQLite's complaints about the file itself into errors that name it.
    static func naming<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError {
            let reason = error.message ?? "SQLite error \(error.resultCode.rawValue)"
            switch error.resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_NOMEM, .SQLITE_INTERRUPT, .SQLITE_MISUSE, .SQLITE_CONSTRAINT: throw error
            case .SQLITE_FULL, .SQLITE_IOERR: throw StorageFailure(file: path, "cannot be written: \(reason)")
            case .SQLITE_CANTOPEN, .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
                if isReadOnlyDisk(path) { throw StorageFailure(file: path, "is on a read-only file system") }
                throw InputError(file: path, reason, hint: "check the folder, its permissions and the free space")
            case .SQLITE_NOTADB:
                throw InputError(file: path, "is not a study: expected an SQLite file", hint: "restore it from a copy")
            default: throw InputError(file: path, "is damaged, or no study: \(reason)", hint: "restore the file from a copy")
            }
        } catch is RowDecodingError {
            throw InputError(file: path, "is damaged: a value is not of its column's type", hint: "restore the file from a copy")
        }
    }

    /// What keeps a controller that was writing from going on is its disk's fault, whatever it is: nothing is lost by pausing.
    static func writing(_ path: String, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as DatabaseError {
            switch error.resultCode {
            case .SQLITE_CONSTRAINT, .SQLITE_MISUSE, .SQLITE_RANGE, .SQLITE_MISMATCH, .SQLITE_TOOBIG: throw error
            default:
                throw StorageFailure(file: path, "cannot be written: \(error.message ?? "SQLite error \(error.resultCode.rawValue)")")
            }
        }
    }

    private static func isReadOnlyDisk(_ path: String) -> Bool {
        var status = statvfs()
        let folder = (path as NSString).deletingLastPathComponent
        return statvfs(folder, &status) == 0 && status.f_flag & UInt(ST_RDONLY) != 0
    }
}
