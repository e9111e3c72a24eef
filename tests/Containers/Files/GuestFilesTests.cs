using Watari.Containers.Files;
using Watari.Disk;
using Watari.Disk.Images;

namespace Watari.Containers.Tests.Files;

public sealed class GuestFilesTests
{
    [Fact]
    public void A_disk_that_cannot_be_read_keeps_the_root_from_being_looked_for_on_no_other_and_is_told()
    {
        Image broken = new(new DiskImageException("it is gone")), empty = new(null);

        GuestFileException none = Assert.Throws<GuestFileException>(() => GuestFiles.OfDisks([broken, empty]));

        Assert.True(empty.IsRead);
        Assert.Equal("None of the guest's disks that can be read holds its root. One cannot be read: it is gone.", none.Message);
    }

    private sealed class Image(DiskException? damage) : IDiskImage
    {
        public bool IsRead { get; private set; }

        public long Length => 1 << 20;

        public void Read(long offset, Span<byte> destination)
        {
            IsRead = true;
            if (damage is not null) throw damage;
            destination.Clear();
        }
    }
}
