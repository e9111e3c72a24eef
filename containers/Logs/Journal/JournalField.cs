namespace Watari.Containers.Logs.Journal;

internal enum JournalFieldKind
{
    Other,
    Message,
    Priority,
    PartialMessage,
    Timestamp,
}

/// <summary>A field of an entry, as far as it is of interest: those that conmon and Docker's journald driver write.</summary>
internal readonly record struct JournalField(JournalFieldKind Kind, byte[] Data)
{
    internal const int LongestName = 32;

    internal byte[] Value => Data ?? [];

    internal static JournalFieldKind? KindOf(ReadOnlySpan<byte> payload) =>
        payload.StartsWith("MESSAGE="u8) ? JournalFieldKind.Message
        : payload.StartsWith("PRIORITY="u8) ? JournalFieldKind.Priority
        : payload.StartsWith("CONTAINER_PARTIAL_MESSAGE="u8) ? JournalFieldKind.PartialMessage
        : payload.StartsWith("SYSLOG_TIMESTAMP="u8) ? JournalFieldKind.Timestamp
        : null;

    internal static JournalField Of(JournalFieldKind kind, ReadOnlySpan<byte> payload) => new(kind, payload[(payload.IndexOf((byte)'=') + 1)..].ToArray());
}
