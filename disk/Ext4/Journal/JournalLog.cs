namespace Watari.Disk.Ext4.Journal;

/// <summary>The blocks of a journal in their order, read in larger pieces.</summary>
internal sealed class JournalLog
{
    private const int PieceBytes = 256 << 10;

    private readonly Ext4Inode _inode;
    private readonly byte[] _piece;
    private readonly int _blockSize;
    private long _pieceOffset;
    private int _pieceLength;

    public JournalLog(Ext4Inode inode)
    {
        _inode = inode;
        _blockSize = inode.FileSystem.SuperBlock.BlockSize;
        _piece = new byte[PieceBytes];
    }

    /// <summary>A block, until the next is read.</summary>
    public ReadOnlySpan<byte> Block(uint number)
    {
        long offset = (long)number * _blockSize;
        if (offset < _pieceOffset || offset + _blockSize > _pieceOffset + _pieceLength)
        {
            _pieceOffset = offset;
            _pieceLength = _inode.ReadContents(offset, _piece);
            if (_pieceLength < _blockSize) throw new DiskStructureException($"{_inode.Number}, the journal", $"block {number} is behind its end");
        }

        return _piece.AsSpan((int)(offset - _pieceOffset), _blockSize);
    }

    /// <summary>A block as it is on the device now, of which no older piece may tell.</summary>
    public ReadOnlySpan<byte> BlockNow(uint number)
    {
        _pieceLength = 0;
        return Block(number);
    }
}
