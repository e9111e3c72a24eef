namespace Watari.Disk.Ext4;

/// <summary>Contents that lie in the inode itself (inline_data): the first 60 bytes in i_block, the rest in an extended attribute.</summary>
internal static class InlineData
{
    /// <summary>Fills the destination from an offset on, which is within the file. What the inode has no place for is zeroes.</summary>
    public static void Read(Ext4Inode inode, long offset, Span<byte> destination)
    {
        destination.Clear();
        CopyOverlap(inode.BlockArea.Span, 0, offset, destination);
        if (offset + destination.Length > Ext4Inode.BlockAreaSize) CopyOverlap(Ext4Attributes.InlineContents(inode).Span, Ext4Inode.BlockAreaSize, offset, destination);
    }

    /// <summary>Copies of the piece, which begins at an offset of the file, what the destination wants.</summary>
    private static void CopyOverlap(ReadOnlySpan<byte> piece, long pieceOffset, long offset, Span<byte> destination)
    {
        long from = Math.Max(pieceOffset, offset), to = Math.Min(pieceOffset + piece.Length, offset + destination.Length);
        if (from < to) piece[(int)(from - pieceOffset)..(int)(to - pieceOffset)].CopyTo(destination[(int)(from - offset)..]);
    }
}
