#pragma once

// A priority queue of nodes that bring their own links, so that it allocates nothing and holds any number of different priorities.
// Links says how:
//   static bool goes_before(const Node&, const Node&)   a strict order of all nodes
//   static Node*& next(Node&), child(Node&)             the heap's while the node is in it
// Does not own the nodes. Not thread-safe.

#include <utility>

namespace pools::detail {

template <class Node, class Links>
class PairingHeap {
 public:
  bool empty() const noexcept { return root_ == nullptr; }
  Node* first() const noexcept { return root_; }  // null if empty
  void push(Node* node) noexcept {                // O(1)
    Links::next(*node) = nullptr;
    Links::child(*node) = nullptr;
    root_ = meld(root_, node);
  }
  // The first. O(log n), amortised. REQUIRES: !empty()
  Node* pop() noexcept {
    Node* const first = root_;
    // The textbook's two passes: the children are melded in pairs, then the pairs from the last to the first.
    Node* pairs = nullptr;  // the last one first
    for (Node* at = std::exchange(Links::child(*first), nullptr); at != nullptr;) {
      Node* const a = std::exchange(at, Links::next(*at));
      Node* const b = at;
      if (b != nullptr) at = Links::next(*b);
      Node* const pair = meld(a, b);
      Links::next(*pair) = std::exchange(pairs, pair);
    }
    root_ = nullptr;
    while (pairs != nullptr) {
      Node* const pair = std::exchange(pairs, Links::next(*pairs));
      root_ = meld(root_, pair);
    }
    if (root_ != nullptr) Links::next(*root_) = nullptr;
    return first;
  }

 private:
  static Node* meld(Node* a, Node* b) noexcept {
    if (a == nullptr) return b;
    if (b == nullptr) return a;
    if (Links::goes_before(*b, *a)) std::swap(a, b);
    Links::next(*b) = std::exchange(Links::child(*a), b);
    return a;
  }

  Node* root_ = nullptr;  // the children of a node are a list: its child, then next
};

}  // namespace pools::detail
