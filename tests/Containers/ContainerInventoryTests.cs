using System.Text;
using Watari.Disk;

namespace Watari.Containers.Tests;

public sealed class ContainerInventoryTests
{
    private const string Path = "/var/lib/docker/containers/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/config.v2.json";

    [Fact]
    public void A_disk_that_cannot_be_read_is_told()
    {
        ContainerInventory inventory = ContainerInventory.Read(() => throw new DiskImageException("it is gone"), kernel: null);

        Assert.Empty(inventory.Containers);
        Assert.Equal(new UnreadableFile("/", "it is gone"), Assert.Single(inventory.Unreadable));
        Assert.Empty(ContainerInventory.Read(open: null, kernel: null).Unreadable);
    }

    [Fact]
    public void A_look_at_files_that_were_just_being_written_is_taken_again()
    {
        int looks = 0;

        ContainerInventory inventory = ContainerInventory.Read(
            () => ++looks == 1 ? throw new DiskStructureException("inode 2", "it tore") : new FileTree().Add(Path, Encoding.UTF8.GetBytes(looks == 2 ? "{" : """{"Name":"/web"}""")), kernel: null);

        Assert.Equal(3, looks);
        Assert.Empty(inventory.Unreadable);
        Assert.Equal("web", Assert.Single(inventory.Containers).Record!.Names.Single());
    }

    [Fact]
    public void A_look_whose_time_is_over_is_not_taken_again()
    {
        int looks = 0;
        FileTree Open()
        {
            looks++;
            return new FileTree { [Path] = """{"Name":"/web"}""" };
        }

        ContainerInventory inventory = ContainerInventory.Read(Open, kernel: null, limits: new ContainerLimits { Duration = TimeSpan.Zero });

        Assert.Equal(1, looks);
        Assert.Contains(inventory.Unreadable, file => file.Reason.Contains("took more than 0 s", StringComparison.Ordinal));
    }

    [Fact]
    public void The_newest_come_first()
    {
        static string At(char digit) => $"/var/lib/docker/containers/{new string(digit, 64)}/config.v2.json";
        var tree = new FileTree { [At('a')] = """{"Created":"2026-01-01T00:00:00Z"}""", [At('b')] = """{"Created":"2026-01-03T00:00:00Z"}""", [At('c')] = """{"Created":"2026-01-02T00:00:00Z"}""" };

        Assert.Equal(["b", "c", "a"], Inventory.Of(tree).Containers.Select(container => container.Id[..1]));
    }
}
