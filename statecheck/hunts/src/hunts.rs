//! The hunts: which crate, what was reported of it, and how it is held against its model.

use statecheck::property::Property;

use crate::run::Run;
use crate::{
    bit_set, cached, circular_buffer, dlv_list, ego_tree, heapless, indextree, intmap, lfu_cache,
    min_max_heap, ordered_multimap, petgraph, priority_queue, radix_trie, rangemap, rb_tree,
    skiplist, thunderdome,
};

/// One crate and its model.
pub(crate) struct Hunt {
    /// The name of the crate, and perhaps of a part of it.
    pub(crate) name: &'static str,
    /// The name of the crate.
    pub(crate) package: &'static str,
    /// Where its bug was reported. If its newest version has one that nobody reported: nowhere.
    pub(crate) report: Option<&'static str>,
    /// What is wrong, in a few words.
    pub(crate) bug: &'static str,
    /// It does as its model does.
    pub(crate) property: fn(Run) -> Property,
}

pub(crate) const HUNTS: [Hunt; 20] = [
    Hunt {
        name: "bit-set",
        package: "bit-set",
        report: Some("https://github.com/contain-rs/bit-set/issues/25"),
        bug: "`shrink_to_fit` of an empty set leaves a length without blocks",
        property: bit_set::property,
    },
    Hunt {
        name: "cached",
        package: "cached",
        report: Some("https://github.com/jaemk/cached/issues/137"),
        bug: "to set a key that is there drops another one if the cache is full",
        property: cached::property,
    },
    Hunt {
        name: "circular-buffer",
        package: "circular-buffer",
        report: Some("https://github.com/andreacorbellini/rust-circular-buffer/pull/4"),
        bug: "`range` yields more items than it was asked for",
        property: circular_buffer::property,
    },
    Hunt {
        name: "ego-tree",
        package: "ego-tree",
        report: Some("https://github.com/rust-scraper/ego-tree/issues/39"),
        bug: "to move a node to where it is spoils the list of children",
        property: ego_tree::property,
    },
    Hunt {
        name: "heapless",
        package: "heapless",
        report: Some("https://github.com/rust-embedded/heapless/issues/676"),
        bug: "a full `Deque` is not full any more after `make_contiguous`",
        property: heapless::property,
    },
    Hunt {
        name: "indextree",
        package: "indextree",
        report: Some("https://github.com/saschagrunert/indextree/issues/71"),
        bug: "`remove_subtree` leaves some nodes of an uneven tree",
        property: indextree::property,
    },
    Hunt {
        name: "indextree-prepend",
        package: "indextree",
        report: Some("https://github.com/saschagrunert/indextree/pull/269"),
        bug: "`prepend` of a node that has a parent panics",
        property: indextree::property_of_all,
    },
    Hunt {
        name: "intmap",
        package: "intmap",
        report: Some("https://github.com/JesperAxelsson/rust-intmap/issues/85"),
        bug: "a key inserted through a vacant entry is not found if the map was emptied before",
        property: intmap::property,
    },
    Hunt {
        name: "lfu_cache",
        package: "lfu_cache",
        report: Some("https://github.com/edward-shen/lfu-cache/pull/3"),
        bug: "`pop_lfu` does not count down the length",
        property: lfu_cache::property,
    },
    Hunt {
        name: "min-max-heap",
        package: "min-max-heap",
        report: Some("https://github.com/tov/min-max-heap-rs/pull/3"),
        bug: "`replace_max` and `push_pop_max` spoil the order",
        property: min_max_heap::property,
    },
    Hunt {
        name: "petgraph",
        package: "petgraph",
        report: Some("https://github.com/petgraph/petgraph/issues/431"),
        bug: "`remove_node` of a directed `GraphMap` leaves the edges that led to it",
        property: petgraph::property,
    },
    Hunt {
        name: "priority-queue",
        package: "priority-queue",
        report: Some("https://github.com/garro95/priority-queue/issues/28"),
        bug: "`remove` subtracts below zero at some places",
        property: priority_queue::property,
    },
    Hunt {
        name: "radix_trie",
        package: "radix_trie",
        report: Some("https://github.com/michaelsproul/rust_radix_trie/issues/50"),
        bug: "to remove a key that is not there drops another one",
        property: radix_trie::property,
    },
    Hunt {
        name: "rangemap",
        package: "rangemap",
        report: Some("https://github.com/jeffparsons/rangemap/issues/47"),
        bug: "`gaps` yields gaps that run backwards",
        property: rangemap::property,
    },
    Hunt {
        name: "rb_tree",
        package: "rb_tree",
        report: Some("https://github.com/dbyr/rb_tree/issues/3"),
        bug: "`remove` panics: child of a leaf",
        property: rb_tree::property,
    },
    Hunt {
        name: "skiplist",
        package: "skiplist",
        report: Some("https://github.com/JP-Ellis/rust-skiplist/issues/9"),
        bug: "`remove` subtracts below zero",
        property: skiplist::property,
    },
    Hunt {
        name: "thunderdome",
        package: "thunderdome",
        report: Some("https://github.com/LPGhatguy/thunderdome/pull/36"),
        bug: "`insert_at_slot` spoils the list of free slots",
        property: thunderdome::property,
    },
    Hunt {
        name: "dlv-list",
        package: "dlv-list",
        report: None,
        bug: "`remove` by an index that is not valid any more panics",
        property: dlv_list::property,
    },
    Hunt {
        name: "lfu_cache-entries",
        package: "lfu_cache",
        report: None,
        bug: "a value inserted through an entry is not counted",
        property: lfu_cache::property_with_entries,
    },
    Hunt {
        name: "ordered-multimap",
        package: "ordered-multimap",
        report: None,
        bug: "`retain` panics if it drops two values of a key",
        property: ordered_multimap::property,
    },
];
