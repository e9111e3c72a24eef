namespace Watari.Hypervisor.Tests;

public sealed class MemoryTreeTests
{
    [Fact]
    public void RAM_above_the_PCI_hole_is_a_region_of_its_own()
    {
        const string text = """
            FlatView #0
             AS "I/O", root: io
             Root memory region: io
              0000000000000000-0000000000000007 (prio 0, i/o): dma-chan

            FlatView #1
             AS "memory", root: system
             AS "cpu-memory-0", root: system
             Root memory region: system
              0000000000000000-000000000009ffff (prio 0, ram): ram KVM
              00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem
              00000000000c0000-00000000000dffff (prio 1, rom): pc.rom
              00000000000e0000-00000000000fffff (prio 0, rom): pc.bios @0000000000020000
              0000000000100000-000000007fffffff (prio 0, ram): ram @0000000000100000 KVM
              00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic
              0000000100000000-000000017fffffff (prio 0, ram): ram @0000000080000000 KVM

            FlatView #2
             AS "cpu-smm-0", root: memory
              0000000000000000-000000017fffffff (prio 0, ram): not-this-one

            """;

        Assert.Equal(
            [
                new(new(0), 0x8000_0000, "ram", 0),
                new(new(0x1_0000_0000), 0x8000_0000, "ram", 0x8000_0000),
            ],
            MemoryTree.ReadBlocks(text).Where(block => block.Block == "ram"));
    }

    [Fact]
    public void A_BIOS_shadowed_in_RAM_does_not_part_the_region()
    {
        const string text = """
            FlatView #0
             AS "memory", root: system
              0000000000000000-000000000009ffff (prio 0, ram): /objects/ram
              00000000000a0000-00000000000bffff (prio 1, i/o): vga-lowmem
              00000000000c0000-00000000000c3fff (prio 0, rom): /objects/ram @00000000000c0000
              00000000000c4000-00000000000effff (prio 0, ram): /objects/ram @00000000000c4000
              00000000000f0000-00000000000fffff (prio 0, rom): /objects/ram @00000000000f0000
              0000000000100000-000000001fffffff (prio 0, ram): /objects/ram @0000000000100000
            """;

        Assert.Equal([new(new(0), 0x2000_0000, "/objects/ram", 0)], MemoryTree.ReadBlocks(text));
    }

    [Fact]
    public void The_blocks_of_two_NUMA_nodes_stay_apart()
    {
        const string text = """
            FlatView #0
             AS "memory", root: system
              0000000000000000-000000001fffffff (prio 0, ram): m0
              0000000020000000-000000003fffffff (prio 0, ram): m1
              0000000100000000-00000001000fffff (prio 0, nv-ram): m1 @0000000020000000
            """;

        Assert.Equal(
            [new(new(0), 0x2000_0000, "m0", 0), new(new(0x2000_0000), 0x2000_0000, "m1", 0), new(new(0x1_0000_0000), 0x10_0000, "m1", 0x2000_0000)],
            MemoryTree.ReadBlocks(text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("FlatView #0\n AS \"I/O\", root: io\n  0000000000000000-0000000000000007 (prio 0, ram): ram\n")]
    public void A_text_without_the_address_space_is_refused(string text) =>
        Assert.Contains("\"memory\"", Assert.Throws<HypervisorException>(() => MemoryTree.ReadBlocks(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_range_that_ends_before_it_starts_is_refused() =>
        Assert.Throws<HypervisorException>(() => MemoryTree.ReadBlocks("FlatView #0\n AS \"memory\", root: system\n  0000000000002000-0000000000001000 (prio 0, ram): ram\n"));
}
